import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '#kernel/logger.ts';
import type { Settings } from './settings.ts';

/** Logs to standard output. What could hold a secret is removed by name wherever it stands one level deep. */
export function createLogger(settings: Pick<Settings, 'LOG_LEVEL' | 'LOG_FORMAT'>): Logger {
  const options = {
    level: settings.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['*.password', '*.secret', '*.authorization', '*.access_token', '*.refresh_token'],
  };
  if (settings.LOG_FORMAT === 'pretty') return pino(options, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' }));
  return pino(options);
}
