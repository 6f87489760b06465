import { composeSystem, type System } from './compose.ts';
import { exposureOf } from './exposure.ts';
import { createLogger } from './logging.ts';
import { httpUrlOf, runUntilStopped } from './run-until-stopped.ts';
import type { Settings } from './settings.ts';
import { settleAfterStart } from './settle.ts';
import { VERSION } from './version.ts';

const FIRST_STEPS = [
  '  Next       npm run core -- create-superuser you@example.com   then sign in to the console and add a device,',
  '             or look at a running fleet first: npm run demo',
];

/** Before there is a user. @param code what proves that whoever makes the first one can read this */
const setupSteps = (consoleUrl: string, code: string) => [
  `  Next       make the first user at ${consoleUrl} with the code ${code},`,
  '             or by npm run core -- create-superuser you@example.com   then add a device,',
  '             or look at a running fleet first: npm run demo',
];

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  readonly httpUrl: string;
  /** `mqtt://127.0.0.1:1883` */
  readonly mqttUrl: string;
  /** A link to the console that signs a user in, once and within ten minutes. */
  signInLink(userId: number): Promise<string>;
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
  for (const exposed of exposureOf(settings)) logger.warn({}, exposed);
  await runUntilStopped(system, logger, hooks.beforeStop);
  const httpUrl = httpUrlOf(settings, system);
  const consoleUrl = `${settings.PUBLIC_URL ?? httpUrl}/admin`;
  const mqttUrls = system.broker.addresses();
  announce([
    `core-api ${VERSION} is ready.`,
    `  HTTP API   ${httpUrl}/api/v1   (try it at ${httpUrl}/docs)`,
    ...(settings.ROLES.includes('api') ? [`  Console    ${consoleUrl}`] : []),
    `  MQTT       ${mqttUrls.join('  ')}`,
    `  Data       ${settings.DATA_DIR}`,
    ...(hooks.hints ?? (await firstSteps(settings, system, consoleUrl))),
  ]);
  settleAfterStart();
  return {
    httpUrl,
    mqttUrl: mqttUrls[0] ?? '',
    // In the fragment, which no server and no log sees.
    signInLink: async (userId) => `${consoleUrl}#code=${await system.signInCode(userId)}`,
  };
}

/** The same for a process that is one module alone (SERVE_MODULE). */
export async function runModule(settings: Settings): Promise<void> {
  const { composeNotifications } = await import('./compose-notifications.ts');
  const logger = await createLogger(settings);
  const notifications = await composeNotifications(settings, logger);
  await runUntilStopped(notifications, logger);
  announce([
    `core-api ${VERSION}: notifications are ready.`,
    `  NOTIFICATIONS_URL   ${httpUrlOf(settings, notifications)}`,
  ]);
}

async function firstSteps(settings: Settings, system: System, consoleUrl: string): Promise<readonly string[]> {
  const code = settings.ROLES.includes('api') ? await system.setupCode() : null;
  return code === null ? FIRST_STEPS : setupSteps(consoleUrl, code);
}

function announce(lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`);
}
