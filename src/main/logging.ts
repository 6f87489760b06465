import { pino } from 'pino';
import type { Logger } from '#kernel/logger.ts';
import type { Settings } from './settings.ts';

/** Logs to standard output. What could hold a secret is removed by name wherever it stands one level deep. */
export async function createLogger(settings: Pick<Settings, 'LOG_LEVEL' | 'LOG_FORMAT'>): Promise<Logger> {
  const options = {
    level: settings.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['*.password', '*.secret', '*.authorization', '*.access_token', '*.refresh_token'],
  };
  if (settings.LOG_FORMAT === 'pretty') {
    const { default: pretty } = await import('pino-pretty');
    const readable: Logger = pino(options, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' }));
    return readable;
  }
  const logger: Logger = pino(options);
  return logger;
}
