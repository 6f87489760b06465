import type { BrokerAddress, BrokerAddresses } from '#platform/mqtt/mqtt.port.ts';
import type { Settings } from '../settings.ts';

export type AddressSettings = Pick<
  Settings,
  | 'MQTT_URL'
  | 'MQTT_PUBLIC_URL'
  | 'MQTT_HOST'
  | 'MQTT_PORT'
  | 'MQTT_TLS_PORT'
  | 'MQTT_WS_PORT'
  | 'MQTT_TLS_CLIENT_CERTS'
  | 'PUBLIC_URL'
>;

/** What the embedded broker listens on; null: off. */
export interface BrokerPorts {
  readonly mqtt: number;
  readonly tls: number | null;
  readonly ws: number | null;
}

/**
 * Where devices reach the broker: `MQTT_PUBLIC_URL`, else `MQTT_URL`, else the embedded broker at the host of `PUBLIC_URL`
 * or at the address that it listens on.
 * @param ports that the embedded broker listens on, which 0 in the settings leaves to the machine; null: not known
 * @param askedAt the host under which somebody has just reached this server: where a broker that listens on all interfaces is too
 */
export function brokerAddressesOf(
  settings: AddressSettings,
  ports: BrokerPorts | null = null,
  askedAt: string | null = null,
): BrokerAddresses {
  const told = settings.MQTT_PUBLIC_URL ?? settings.MQTT_URL;
  if (told !== null) return addressesIn(told);
  const { mqtt, tls, ws } = ports ?? {
    mqtt: settings.MQTT_PORT,
    tls: settings.MQTT_TLS_PORT,
    ws: settings.MQTT_WS_PORT,
  };
  return {
    host: settings.PUBLIC_URL === null ? reachable(settings.MQTT_HOST, askedAt) : hostOf(new URL(settings.PUBLIC_URL)),
    port: mqtt,
    tlsPort: tls,
    webSocketPort: ws,
    tlsNeedsCertificate: tls !== null && settings.MQTT_TLS_CLIENT_CERTS === 'required',
  };
}

/**
 * Where a device is told to connect that has just registered itself. At the embedded broker that is the TLS port, where
 * there is one at which the device can log in.
 * @param hasCertificate whether the device has one
 */
export function brokerAddressOf(
  settings: AddressSettings,
  hasCertificate: boolean,
  ports: BrokerPorts | null = null,
): BrokerAddress {
  const { host, port, tlsPort, tlsNeedsCertificate } = brokerAddressesOf(settings, ports);
  if (tlsPort !== null && (port === null || hasCertificate || !tlsNeedsCertificate)) {
    return { host, port: tlsPort, tls: true };
  }
  return { host, port: port ?? 1883, tls: false };
}

function addressesIn(url: string): BrokerAddresses {
  const parsed = new URL(url);
  const isTls = parsed.protocol === 'mqtts:';
  const port = Number(parsed.port || (isTls ? 8883 : 1883));
  return {
    host: hostOf(parsed),
    port: isTls ? null : port,
    tlsPort: isTls ? port : null,
    webSocketPort: null,
    tlsNeedsCertificate: false,
  };
}

/** An address of all interfaces is none to connect to. */
function reachable(host: string, askedAt: string | null): string {
  return /^(0\.0\.0\.0|::)$/.test(host) ? withoutBrackets(askedAt ?? '127.0.0.1') : host;
}

const hostOf = ({ hostname }: URL): string => withoutBrackets(hostname);

/** As a client takes it: an IPv6 address without brackets. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
