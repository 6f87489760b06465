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
export function toLogLevel(word = 'info'): LogLevel | null {
  const lower = word.toLowerCase();
  const known = LOG_LEVELS.find((level) => level === lower);
  return known ?? (Object.hasOwn(OTHER_NAMES, lower) ? (OTHER_NAMES[lower] as LogLevel) : null);
}
