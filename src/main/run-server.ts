import { setTimeout as delay } from 'node:timers/promises';
import { createLifecycle } from '#kernel/lifecycle.ts';
import { composeSystem, type System } from './compose.ts';
import { createLogger } from './logging.ts';
import type { Settings } from './settings.ts';
import { settleAfterStart } from './settle.ts';
import { VERSION } from './version.ts';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 8_000;
const BEFORE_STOP_DEADLINE_MS = 1_000;
const REPEATED_SIGNAL_MS = 1_000;

const FIRST_STEPS = [
  '  Next       npm run core -- create-superuser you@example.com   then log in and add a device,',
  '             or look at a running fleet first: npm run demo',
];

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  readonly httpUrl: string;
  /** `mqtt://127.0.0.1:1883` */
  readonly mqttUrl: string;
}

/**
 * Starts the system and stops it on SIGTERM or SIGINT: exit code 0 after an orderly stop.
 * @throws what the start failed with, after everything that had started was stopped
 */
export async function runServer(
  settings: Settings,
  hooks: { readonly beforeStop?: () => Promise<void>; readonly hints?: readonly string[] } = {},
): Promise<RunningServer> {
  const logger = await createLogger(settings);
  const system = await composeSystem(settings, logger);
  const lifecycle = createLifecycle(system.components, {
    logger,
    startDeadlineMs: START_DEADLINE_MS,
    stopDeadlineMs: STOP_DEADLINE_MS,
  });
  let stopping: Promise<void> | undefined;
  stopOnSignal(() => {
    stopping ??= stop();
    return stopping;
  });
  async function stop(): Promise<void> {
    system.setServing(false);
    await Promise.race([hooks.beforeStop?.(), delay(BEFORE_STOP_DEADLINE_MS, undefined, { ref: false })]);
    await lifecycle.stop();
  }
  try {
    await lifecycle.start();
  } catch (error) {
    // Asked to stop while starting: that is no failure, the signal's handler ends the process.
    if (stopping !== undefined) return await new Promise<never>(() => {});
    throw error;
  }
  system.setServing(true);
  const server = addressesOf(settings, system);
  announce(settings, system, server, hooks.hints ?? FIRST_STEPS);
  settleAfterStart();
  return server;
}

function stopOnSignal(stop: () => Promise<void>): void {
  let stoppingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stoppingSince !== undefined) {
        // A second signal means: now. But npm hands on what the terminal has sent to us already.
        if (performance.now() - stoppingSince > REPEATED_SIGNAL_MS) process.exit(1);
        return;
      }
      stoppingSince = performance.now();
      void stop().then(() => process.exit(0));
    });
  }
}

function addressesOf(settings: Settings, { http, broker }: System): RunningServer {
  const host = settings.HTTP_HOST === '0.0.0.0' || settings.HTTP_HOST === '::' ? 'localhost' : settings.HTTP_HOST;
  return {
    httpUrl: `http://${host.includes(':') ? `[${host}]` : host}:${http.port()}`,
    mqttUrl: broker.addresses()[0] ?? '',
  };
}

function announce(settings: Settings, { broker }: System, { httpUrl }: RunningServer, hints: readonly string[]): void {
  const lines = [
    `core-api ${VERSION} is ready.`,
    `  HTTP API   ${httpUrl}/api/v1   (try it at ${httpUrl}/docs)`,
    `  MQTT       ${broker.addresses().join('  ')}`,
    `  Data       ${settings.DATA_DIR}`,
    ...hints,
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
