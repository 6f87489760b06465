/** As much of MQTT 3.1.1 as a publisher needs. https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html */

export const CONNACK = 0x20;
export const PUBACK = 0x40;
export const DISCONNECT = Buffer.from([0xe0, 0x00]);

/** The first level of the topics of the system's devices. */
const DEVICES = 'devices';
const KEEP_ALIVE_SECONDS = 600;
const TIMESTAMP_DIGITS = 13;

export interface DeviceLogin {
  readonly uid: string;
  readonly secret: string;
}

export function connectPacket({ uid, secret }: DeviceLogin): Buffer {
  const cleanSessionWithLogin = 0xc2;
  const variable = [field('MQTT'), Buffer.from([4, cleanSessionWithLogin]), uint16(KEEP_ALIVE_SECONDS)];
  return packet(0x10, Buffer.concat([...variable, field(uid), field(uid), field(secret)]));
}

/**
 * A row of QoS 1 publishes in one buffer, so that any run of neighbours leaves in one write. Packet `n` has
 * packet id n + 1; only the digits of its time stamp and values change between uses.
 */
export interface PublishRow {
  readonly bytes: Buffer;
  readonly packetLength: number;
  /** Gives packet `slot` the next time stamp, a step after the one before. */
  stamp(slot: number): void;
  /** Of the latest stamp, epoch ms. */
  lastTimestamp(): number;
}

/**
 * @param root the first level of the topics
 * @param stepMs between two time stamps
 */
export function createPublishRow(
  uid: string,
  slots: number,
  firstTimestamp: number,
  root: string = DEVICES,
  stepMs = 1,
): PublishRow {
  const payload = telemetryPayload(firstTimestamp);
  const body = (slot: number) => Buffer.concat([field(`${root}/${uid}/telemetry`), uint16(slot + 1), payload]);
  const bytes = Buffer.concat(Array.from({ length: slots }, (_, slot) => packet(0x32, body(slot))));
  const packetLength = bytes.length / slots;
  const payloadAt = packetLength - payload.length;
  const timestampAt = payloadAt + payload.indexOf(String(firstTimestamp));
  const valuesAt = ['21.', '41.', '1011.'].map((start) => payloadAt + payload.indexOf(start) + start.length - 2);
  const digits = Buffer.from(String(firstTimestamp - stepMs));

  function increment(): void {
    let carried = stepMs;
    for (let index = TIMESTAMP_DIGITS - 1; carried > 0; index -= 1) {
      const sum = (digits[index] ?? 0) - 0x30 + carried;
      digits[index] = 0x30 + (sum % 10);
      carried = Math.floor(sum / 10);
    }
  }

  return {
    bytes,
    packetLength,
    stamp(slot) {
      increment();
      const start = slot * packetLength;
      for (let index = 0; index < TIMESTAMP_DIGITS; index += 1) {
        bytes[start + timestampAt + index] = digits[index] ?? 0;
      }
      for (const valueAt of valuesAt) {
        bytes[start + valueAt] = digits[TIMESTAMP_DIGITS - 2] ?? 0;
        bytes[start + valueAt + 2] = digits[TIMESTAMP_DIGITS - 1] ?? 0;
      }
    },
    lastTimestamp: () => Number(digits.toString('latin1')),
  };
}

/** The values end in the last two digits of the time stamp, so that a stored value proves which message it is of. */
export function metricsAt(timestamp: number) {
  const ending = (timestamp % 100) / 10;
  return { temperature: round(20 + ending), humidity: round(40 + ending), pressure: round(1010 + ending) };
}

function telemetryPayload(timestamp: number): Buffer {
  return Buffer.from(`{"timestamp":${timestamp},"metrics":{"temperature":21.0,"humidity":41.0,"pressure":1011.0}}`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function packet(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), remainingLength(body.length), body]);
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

function field(text: string): Buffer {
  return Buffer.concat([uint16(Buffer.byteLength(text)), Buffer.from(text)]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
