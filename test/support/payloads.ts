import { createId } from '#kernel/ids.ts';
import { CHANNELS } from '#main/channels.ts';
import { STATUS_CHANNEL } from '#modules/devices/index.ts';
import { type IngestLimits, RESPONSE_CHANNEL, rejectReasons } from '#modules/ingest/index.ts';
import { LOG_CHANNEL } from '#modules/telemetry/index.ts';
import { LOG_RETENTION_MS } from '#modules/telemetry/telemetry.ports.ts';

/** What the channels make of parsed JSON, as the ingest path asks them. */

export const REJECT_REASONS = rejectReasons(CHANNELS);

/** How old the time stamp of a log may be. */
export const LOG_MAX_AGE_MS = LOG_RETENTION_MS;

type Limits = Pick<IngestLimits, 'maxAgeMs'>;

export const parseLog = (deviceId: number, value: unknown, receivedAt: number, limits: Limits, nextId: () => string) =>
  LOG_CHANNEL.parse(value, { deviceId, receivedAt, maxAgeMs: limits.maxAgeMs, nextId });

export const parseStatus = (value: unknown, receivedAt: number, { maxAgeMs }: Limits) =>
  STATUS_CHANNEL.parse(value, { deviceId: 7, receivedAt, maxAgeMs, nextId: createId });

/** The reason why not; a response that fits is for those who sent commands. */
export function parseResponse(value: unknown): string {
  const parsed = RESPONSE_CHANNEL.parse(value, { deviceId: 7, receivedAt: 0, maxAgeMs: 0, nextId: createId });
  return typeof parsed === 'string' ? parsed : (RESPONSE_CHANNEL.unclaimedReason ?? '');
}
