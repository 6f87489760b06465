import { commonErrors } from '#kernel/errors.ts';
import { DEVICE_UID } from '../mqtt.port.ts';

/** Where the broker is, and as whom we log in. */
export interface BrokerAddress {
  /** For MQTT.js, and fit to be shown: no user, no password. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

const PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];

/** @throws AppError `unavailable` with what is wrong with the address */
export function parseAddress(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !PROTOCOLS.includes(url.protocol)) {
    throw commonErrors.unavailable({
      detail: 'The address of the MQTT broker must look like mqtt://user:password@host:1882.',
    });
  }
  const username = decodeURIComponent(url.username);
  if (DEVICE_UID.test(username)) {
    // A device of that uid would take our account over.
    throw commonErrors.unavailable({
      detail: `The user of the MQTT broker, "${username}", could be the uid of a device; take one with a dot, such as core.admin.`,
    });
  }
  const path = url.protocol.startsWith('ws') ? url.pathname : '';
  return { url: `${url.protocol}//${url.host}${path}`, username, password: decodeURIComponent(url.password) };
}
