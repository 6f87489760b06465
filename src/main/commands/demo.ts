import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecret } from '#kernel/ids.ts';
import { runServer } from '../run-server.ts';
import { ROLES } from '../settings.ts';
import { type Command, print } from './command.ts';
import { signIn } from './fleet/api.ts';
import { keepBusy, setUpBustle } from './fleet/bustle.ts';
import { type Fleet, startFleet } from './fleet/fleet.ts';
import type { MishapShares } from './fleet/mishaps.ts';
import { registerFleet } from './fleet/registration.ts';
import { withRelationalStore } from './relational.ts';

const DEVICES = 20;
const INTERVAL_MS = 2_000;
const STEP_MS = 1_500;
const COMMAND_EVERY_MS = 15_000;
/** Enough to see what the server makes of it, and little enough that the campaign ends well. */
const MISHAPS: MishapShares = {
  command_fails: 0.1,
  command_unanswered: 0.05,
  config_overridden: 0.2,
  update_power_cut: 0.3,
};
const ADMIN = 'admin@example.com';

export const demo: Command = {
  usage: '',
  summary:
    `The whole system on throw-away data with ${DEVICES} simulated devices and an admin whose password is printed once. ` +
    'Commands, a configuration and a firmware campaign are under way.',
  async run(_args, settings) {
    const folder = mkdtempSync(join(tmpdir(), 'core-api-demo-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    // Throw-away means everything in the folder and nothing anywhere else, whatever the settings say.
    const demoSettings = {
      ...settings,
      DATA_DIR: folder,
      LOG_LEVEL: 'warn',
      DATABASE_URL: null,
      DOCUMENTS_URL: null,
      REDIS_URL: null,
      MQTT_URL: null,
      ROLES,
    } as const;
    const password = createSecret(12);
    await withRelationalStore(demoSettings, ({ users }) => users.ensureSuperuser({ email: ADMIN, password }));
    let fleet: Fleet | undefined;
    const stopping = new AbortController();
    const system = await runServer(demoSettings, {
      beforeStop: async () => {
        stopping.abort();
        await fleet?.stop();
      },
      hints: [],
    });
    const baseUrl = system.httpUrl;
    const api = await signIn({ baseUrl, email: ADMIN, password });
    const devices = await registerFleet(api, { count: DEVICES });
    fleet = startFleet(devices, {
      ...{ brokerUrl: system.mqttUrl, intervalMs: INTERVAL_MS, stepMs: STEP_MS, mishaps: MISHAPS, dropsOut: true },
    });
    await setUpBustle(api, devices);
    void keepBusy(api, devices, {
      everyMs: COMMAND_EVERY_MS,
      signal: stopping.signal,
      complain: (error) => process.stderr.write(`${error.message}\n`),
    });
    const me = await api.call<{ readonly id: number }>('GET', '/users/me');
    const first = devices[0];
    print(
      '',
      `A fleet of ${DEVICES} devices is sending. Look at it in the console, signed in already (good once, for ten minutes):`,
      `  ${await system.signInLink(me.id)}`,
      'or sign in there, or at POST /api/v1/auth/login, as',
      `  e-mail     ${ADMIN}`,
      `  password   ${password}   (made for this run, shown only now)`,
      'Watch the data come in:',
      `  TOKEN=$(curl -s ${baseUrl}/api/v1/auth/login -H 'content-type: application/json' \\`,
      `    -d '{"email":"${ADMIN}","password":"${password}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
      `  curl -s ${baseUrl}/api/v1/devices/1/telemetry/latest -H "authorization: Bearer $TOKEN"`,
      'See what moves besides, by the same token: /api/v1/commands, /api/v1/devices/3/config, /api/v1/campaigns/1/devices,',
      '  /api/v1/monitoring/alerts, /api/v1/notifications',
      ...(first === undefined
        ? []
        : [`Device 1 is ${first.deviceUid}. Everything is deleted when this ends (Ctrl-C).`]),
    );
  },
};
