import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { defined } from '#kernel/defined.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import { MAX_AHEAD_MS, parseTimestamp, Timestamp, withoutNulls } from '#platform/channels/payloads.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import { DEVICE_STATUSES, type DeviceStatus } from '../devices.ports.ts';
import type { StatusChange } from './status.rules.ts';

const StatusPayload = Strict({
  status: Type.Enum([...DEVICE_STATUSES]),
  firmware_version: Type.Optional(Type.String({ maxLength: 64 })),
  ip_address: Type.Optional(Type.String({ maxLength: 45 })),
  timestamp: Type.Optional(Timestamp),
});

const schema = Compile(StatusPayload);

export const STATUS_CHANNEL: Channel<StatusChange> = {
  name: 'status',
  description: 'Status; also meant as the Last Will.',
  payload: StatusPayload,
  reasons: { invalid_status: 'a status message does not fit its schema' },
  invalidReason: 'invalid_status',
  parse(value, { deviceId, receivedAt, maxAgeMs }) {
    const item = withoutNulls(value);
    if (!schema.Check(item)) return 'invalid_status';
    if (item.timestamp !== undefined) {
      const saidAt = parseTimestamp(item.timestamp, receivedAt, { maxAheadMs: MAX_AHEAD_MS, maxAgeMs });
      if (typeof saidAt === 'string') return saidAt;
    }
    return {
      deviceId,
      source: 'message',
      status: item.status as DeviceStatus,
      // The server's time: a Last Will carries the time of the connect, and transitions are told in order.
      at: receivedAt,
      ...defined({ firmwareVersion: item.firmware_version, ipAddress: item.ip_address }),
    };
  },
};
