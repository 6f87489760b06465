import type { BrokerAddress } from '#platform/mqtt/mqtt.port.ts';
import type { Settings } from '../settings.ts';

export type AddressSettings = Pick<
  Settings,
  'MQTT_URL' | 'MQTT_PUBLIC_URL' | 'MQTT_HOST' | 'MQTT_PORT' | 'MQTT_TLS_PORT' | 'MQTT_TLS_CLIENT_CERTS' | 'PUBLIC_URL'
>;

/**
 * Where a device is told to connect that has just registered itself: `MQTT_PUBLIC_URL`, else the broker as this process
 * knows it. At the embedded one that is the TLS port, where there is one at which the device can log in.
 * @param hasCertificate whether the device has one
 * @param ports that the embedded broker listens on, which 0 in the settings leaves to the machine; null: not known
 */
export function brokerAddressOf(
  settings: AddressSettings,
  hasCertificate: boolean,
  ports: { readonly mqtt: number; readonly tls: number | null } | null = null,
): BrokerAddress {
  const told = settings.MQTT_PUBLIC_URL ?? settings.MQTT_URL;
  if (told !== null) return addressIn(told);
  const host = settings.PUBLIC_URL === null ? reachable(settings.MQTT_HOST) : hostOf(new URL(settings.PUBLIC_URL));
  const { mqtt, tls } = ports ?? { mqtt: settings.MQTT_PORT, tls: settings.MQTT_TLS_PORT };
  const mayUseTls = settings.MQTT_TLS_CLIENT_CERTS !== 'required' || hasCertificate;
  return tls !== null && mayUseTls ? { host, port: tls, tls: true } : { host, port: mqtt, tls: false };
}

function addressIn(url: string): BrokerAddress {
  const parsed = new URL(url);
  const tls = parsed.protocol === 'mqtts:';
  return { host: hostOf(parsed), port: Number(parsed.port || (tls ? 8883 : 1883)), tls };
}

/** An address of all interfaces is none to connect to. */
function reachable(host: string): string {
  return /^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host;
}

/** As a client takes it: an IPv6 address without brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
