import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { defined } from '#kernel/defined.ts';
import { jsonFlaw } from '#kernel/json-flaw.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import { MAX_AHEAD_MS, parseTimestamp, Timestamp, withoutNulls } from '#platform/channels/payloads.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import { DEVICE_STATUSES, type DeviceStatus } from '../devices.ports.ts';
import type { StatusChange } from './status.rules.ts';

/** Of a reported configuration. */
const CONFIG_LIMITS = { bytes: 32 * 1024, depth: 10 };
const MAX_ERROR = 4096;
const MAX_OVERRIDES = 20;

const StatusPayload = Strict({
  status: Type.Optional(
    Type.Enum([...DEVICE_STATUSES], { description: 'Needed, unless the message is about the configuration' }),
  ),
  firmware_version: Type.Optional(Type.String({ maxLength: 64 })),
  ip_address: Type.Optional(Type.String({ maxLength: 45 })),
  timestamp: Type.Optional(Timestamp),
  config_version: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 2_147_483_647, description: 'The version of the configuration that it has' }),
  ),
  config: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'The configuration that it has; 32 KiB and 10 levels at the most',
    }),
  ),
  config_error: Type.Optional(
    Type.String({ maxLength: MAX_ERROR, description: 'Why it could not apply that version, for people' }),
  ),
  config_overrides: Type.Optional(
    Type.Array(Type.String({ pattern: '^(/[^/]+)+$', maxLength: 256 }), {
      maxItems: MAX_OVERRIDES,
      description: 'JSON pointers of fields that it has decided itself: they are desired no longer',
    }),
  ),
});

/** What a device says of its configuration. What is absent, it did not say. */
export interface ConfigReport {
  readonly version?: number;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly error?: string;
  /** JSON pointers. */
  readonly overrides?: readonly string[];
}

/** One message: of the status, of the configuration, or of both. */
export type StatusItem =
  | (StatusChange & { readonly config?: ConfigReport })
  | { readonly deviceId: number; readonly at: number; readonly config: ConfigReport };

const schema = Compile(StatusPayload);

export const STATUS_CHANNEL: Channel<StatusItem> = {
  name: 'status',
  description: 'Status, also meant as the Last Will; and what it says of its configuration.',
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
    const report = defined({
      version: item.config_version,
      config: item.config,
      error: item.config_error,
      overrides: item.config_overrides,
    });
    const hasReport = Object.keys(report).length > 0;
    if (item.config !== undefined && jsonFlaw(item.config, CONFIG_LIMITS) !== null) return 'invalid_status';
    if (item.status === undefined) return hasReport ? { deviceId, at: receivedAt, config: report } : 'invalid_status';
    return {
      deviceId,
      source: 'message',
      status: item.status as DeviceStatus,
      // The server's time: a Last Will carries the time of the connect, and transitions are told in order.
      at: receivedAt,
      ...defined({ firmwareVersion: item.firmware_version, ipAddress: item.ip_address }),
      ...(hasReport ? { config: report } : {}),
    };
  },
};
