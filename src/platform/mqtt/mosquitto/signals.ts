import type { DeviceConnectionInfo } from '../downlink.port.ts';
import { DEVICE_UID, SERVER_CHANNELS, type ServerChannel } from '../mqtt.port.ts';

/** What a line of Mosquitto's log says about a device. */
export type Signal =
  | {
      readonly kind: 'connected';
      readonly deviceUid: string;
      readonly ipAddress: string;
      readonly protocol: DeviceConnectionInfo['protocol'];
      /** Whether it begins a session of its own, without what an earlier one had subscribed to. */
      readonly isClean: boolean;
    }
  | { readonly kind: 'disconnected'; readonly deviceUid: string }
  | { readonly kind: 'subscribed'; readonly deviceUid: string; readonly channel: ServerChannel; readonly qos: number }
  | { readonly kind: 'unsubscribed'; readonly deviceUid: string; readonly channel: ServerChannel };

const CONNECTED = /^(?:\d+: )?New client connected from (\S+):\d+ as (\S+) \(p([125]), c([01]), k\d+, u'(\S+)'\)\.$/;
const PROTOCOLS: Readonly<Record<string, DeviceConnectionInfo['protocol']>> = { 1: '3.1', 2: '3.1.1', 5: '5' };
/** On `$SYS/broker/log/M/subscribe`, with the QoS, and on `…/unsubscribe` without. */
const SUBSCRIPTION = /^(?:\d+: )?(\S+) (?:([012]) )?devices\/(\S+)\/(\S+)$/;
/**
 * Every way in which Mosquitto 2.0 says that a session is over. Not `disconnected, not authorised`: that is a
 * login that failed.
 */
const DISCONNECTED = new RegExp(
  `^(?:\\d+: )?(?:Client (\\S+) (?:${[
    'disconnected\\.',
    'closed its connection\\.',
    'has exceeded timeout, disconnecting\\.',
    '(?:been )?disconnected by administrative action\\.',
    'disconnected due to .*',
    'disconnected: .*',
  ].join('|')})|Bad socket read/write on client (\\S+): .*)$`,
);

/**
 * Reads a line of `$SYS/broker/log/N`. The whole line must fit: user names and client ids of those who failed
 * to log in stand in other lines, and must not be taken for a device's.
 * @returns null for every other line, and for clients whose id is not their user name
 */
export function parseSignal(line: string): Signal | null {
  const connected = CONNECTED.exec(line);
  if (connected !== null) {
    const [, address = '', clientId = '', version = '', clean, username] = connected;
    if (clientId !== username || !DEVICE_UID.test(clientId)) return null;
    const ipAddress = address.replace(/^\[(.*)\]$/, '$1');
    const protocol = PROTOCOLS[version] ?? '3.1.1';
    return { kind: 'connected', deviceUid: clientId, ipAddress, protocol, isClean: clean === '1' };
  }
  const disconnected = DISCONNECTED.exec(line);
  const deviceUid = disconnected?.[1] ?? disconnected?.[2];
  return deviceUid === undefined || !DEVICE_UID.test(deviceUid) ? null : { kind: 'disconnected', deviceUid };
}

/** Reads a line of `$SYS/broker/log/M/subscribe` or `…/unsubscribe`. @returns null for what is no device's own topic */
export function parseSubscription(line: string): Signal | null {
  const [, clientId = '', qos, deviceUid, name] = SUBSCRIPTION.exec(line) ?? [];
  const channel = SERVER_CHANNELS.find((known) => known === name);
  if (clientId !== deviceUid || !DEVICE_UID.test(clientId) || channel === undefined) return null;
  if (qos === undefined) return { kind: 'unsubscribed', deviceUid: clientId, channel };
  return { kind: 'subscribed', deviceUid: clientId, channel, qos: Number(qos) };
}
