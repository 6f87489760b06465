import { createLifecycle } from '#kernel/lifecycle.ts';
import { composeSystem, type System } from './compose.ts';
import { loadConfig } from './config.ts';
import { createLogger } from './logging.ts';
import type { Settings } from './settings.ts';
import { startMessage } from './start-error.ts';
import { VERSION } from './version.ts';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 9_000;

/** Starts the system and stops it on SIGTERM or SIGINT. A start that cannot work ends with one line and exit code 1. */
export async function runServer(): Promise<void> {
  try {
    const settings = loadConfig();
    const logger = createLogger(settings);
    const system = await composeSystem(settings, logger);
    const lifecycle = createLifecycle(system.components, {
      logger,
      startDeadlineMs: START_DEADLINE_MS,
      stopDeadlineMs: STOP_DEADLINE_MS,
    });
    stopOnSignal(async () => {
      system.setServing(false);
      await lifecycle.stop();
    });
    await lifecycle.start();
    system.setServing(true);
    announce(settings, system);
  } catch (error) {
    const message = startMessage(error);
    if (message === null) process.stderr.write(`core-api cannot start:\n${(error as Error).stack ?? String(error)}\n`);
    else process.stderr.write(`core-api cannot start: ${message}\n`);
    process.exit(1);
  }
}

function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A second signal while stopping means: now.
      if (stopping) process.exit(1);
      stopping = true;
      void stop().then(() => process.exit(0));
    });
  }
}

function announce(settings: Settings, { http, broker }: System): void {
  const host = settings.HTTP_HOST === '0.0.0.0' || settings.HTTP_HOST === '::' ? 'localhost' : settings.HTTP_HOST;
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${http.port()}`;
  const lines = [
    `core-api ${VERSION} is ready.`,
    `  HTTP API   ${base}/api/v1   (try it at ${base}/docs)`,
    `  MQTT       ${broker.addresses().join('  ')}`,
    `  Data       ${settings.DATA_DIR}`,
    '  Next       npm run core -- create-superuser you@example.com   then log in and add a device',
    '             or look at a running fleet first: npm run demo',
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
