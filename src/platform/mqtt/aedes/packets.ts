/** MQTT control packet types, the upper four bits of the first byte (MQTT 3.1.1, table 2.1). */
export const PACKET = {
  CONNECT: 1,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  UNSUBSCRIBE: 10,
  PINGREQ: 12,
  DISCONNECT: 14,
} as const;

/** MQTT 3.1.1 (`MQTT`, level 4) and 3.1 (`MQIsdp`, level 3) as they begin the body of a CONNECT. */
const PROTOCOLS = [Buffer.from('\x00\x04MQTT\x04', 'latin1'), Buffer.from('\x00\x06MQIsdp\x03', 'latin1')];
/** To those who speak another version, e.g. MQTT 5. */
export const CONNACK_UNACCEPTABLE_PROTOCOL = Buffer.from([0x20, 2, 0, 1]);

/** @param body of a CONNECT */
export function isKnownProtocol(body: Buffer): boolean {
  return PROTOCOLS.some((protocol) => body.subarray(0, protocol.length).equals(protocol));
}

export function uint16(bytes: Buffer, position: number): number {
  return ((bytes[position] ?? 0) << 8) | (bytes[position + 1] ?? 0);
}
