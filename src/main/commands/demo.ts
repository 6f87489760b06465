import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecret } from '#kernel/ids.ts';
import { runServer } from '../run-server.ts';
import { ROLES } from '../settings.ts';
import { type Command, print } from './command.ts';
import { registerFleet } from './fleet/registration.ts';
import { withRelationalStore } from './relational.ts';
import { type Fleet, startFleet } from './simulate.ts';

const DEVICES = 20;
const INTERVAL_MS = 2_000;
const ADMIN = 'admin@example.com';

export const demo: Command = {
  usage: '',
  summary: `The whole system on throw-away data with ${DEVICES} simulated devices and an admin whose password is printed once.`,
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
    const system = await runServer(demoSettings, { beforeStop: async () => fleet?.stop(), hints: [] });
    const baseUrl = system.httpUrl;
    const devices = await registerFleet({ baseUrl, email: ADMIN, password }, DEVICES);
    fleet = startFleet(devices, system.mqttUrl, INTERVAL_MS);
    const first = devices[0];
    print(
      '',
      `A fleet of ${DEVICES} devices is sending. Log in at ${baseUrl}/docs (POST /auth/login) as`,
      `  e-mail     ${ADMIN}`,
      `  password   ${password}   (made for this run, shown only now)`,
      'Watch the data come in:',
      `  TOKEN=$(curl -s ${baseUrl}/api/v1/auth/login -H 'content-type: application/json' \\`,
      `    -d '{"email":"${ADMIN}","password":"${password}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
      `  curl -s ${baseUrl}/api/v1/devices/1/telemetry/latest -H "authorization: Bearer $TOKEN"`,
      ...(first === undefined
        ? []
        : [`Device 1 is ${first.deviceUid}. Everything is deleted when this ends (Ctrl-C).`]),
    );
  },
};
