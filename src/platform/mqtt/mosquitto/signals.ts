import { DEVICE_UID } from '../mqtt.port.ts';

/** What a line of Mosquitto's log says about a device. */
export type Signal =
  | { readonly kind: 'connected'; readonly deviceUid: string; readonly ipAddress: string }
  | { readonly kind: 'disconnected'; readonly deviceUid: string };

const CONNECTED = /^(?:\d+: )?New client connected from (\S+):\d+ as (\S+) \(p\d+, c\d+, k\d+, u'(\S+)'\)\.$/;
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
    const [, address = '', clientId = '', username] = connected;
    if (clientId !== username || !DEVICE_UID.test(clientId)) return null;
    return { kind: 'connected', deviceUid: clientId, ipAddress: address.replace(/^\[(.*)\]$/, '$1') };
  }
  const disconnected = DISCONNECTED.exec(line);
  const deviceUid = disconnected?.[1] ?? disconnected?.[2];
  return deviceUid === undefined || !DEVICE_UID.test(deviceUid) ? null : { kind: 'disconnected', deviceUid };
}
