import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Channel } from '#platform/channels/channel.port.ts';
import { MAX_AHEAD_MS, parseTimestamp, Timestamp, withoutNulls } from '#platform/channels/payloads.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import { type DeviceLog, LOG_RETENTION_MS } from './telemetry.ports.ts';

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** What the loggers of firmware call them, and syslog. */
const OTHER_NAMES: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  verbose: 'debug',
  information: 'info',
  notice: 'info',
  warn: 'warning',
  err: 'error',
  crit: 'critical',
  fatal: 'critical',
  alert: 'critical',
  emerg: 'critical',
  emergency: 'critical',
};

/** In any case; `info` when there is none. Null for a word that is no level. */
function toLogLevel(word = 'info'): LogLevel | null {
  const lower = word.toLowerCase();
  const known = LOG_LEVELS.find((level) => level === lower);
  return known ?? (Object.hasOwn(OTHER_NAMES, lower) ? (OTHER_NAMES[lower] as LogLevel) : null);
}

const LogPayload = Strict({
  event_type: Type.String({ minLength: 1, maxLength: 64 }),
  level: Type.Optional(
    Type.String({
      maxLength: 32,
      description: `${LOG_LEVELS.join(', ')}, in any case; also the names of syslog, \`warn\`, \`fatal\` and \`trace\``,
      examples: ['warning'],
    }),
  ),
  message: Type.Optional(Type.String({ maxLength: 4096 })),
  payload: Type.Optional(Type.Unknown()),
  timestamp: Type.Optional(Timestamp),
});

const schema = Compile(LogPayload);
const TIMES = { maxAheadMs: MAX_AHEAD_MS, maxAgeMs: LOG_RETENTION_MS };

export const LOG_CHANNEL: Channel<DeviceLog> = {
  name: 'log',
  description: 'Events of the device, kept for 90 days.',
  payload: LogPayload,
  reasons: {
    invalid_log: 'a log message does not fit its schema',
    invalid_level: `the level of a log is none of ${LOG_LEVELS.join(', ')}, nor another name of one`,
  },
  invalidReason: 'invalid_log',
  /** A log with a time of its own gets an id made of its content: delivered twice, it is stored once. */
  parse(value, { deviceId, receivedAt, nextId }) {
    const item = withoutNulls(value);
    if (!schema.Check(item)) return 'invalid_log';
    const level = toLogLevel(item.level);
    if (level === null) return 'invalid_level';
    const timestamp = item.timestamp === undefined ? receivedAt : parseTimestamp(item.timestamp, receivedAt, TIMES);
    if (typeof timestamp === 'string') return timestamp;
    const log = {
      device_id: deviceId,
      event_type: item.event_type,
      level,
      message: item.message ?? null,
      payload: item.payload ?? null,
      timestamp,
    };
    const id = item.timestamp === undefined ? nextId() : createHash('sha256').update(JSON.stringify(log)).digest('hex');
    return { id, ...log, source: 'device' };
  },
};
