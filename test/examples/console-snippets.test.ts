import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snippetsFor, type Target } from '../../console/src/pages/device/first-steps/snippets.ts';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { missingPrograms } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';

const run = promisify(execFile);
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'core-api');
/** Made by test/services/python.sh. */
const PYTHON = process.env['TEST_PYTHON'] ?? join(CACHE, 'python-examples/bin/python');

const TARGET: Target = {
  host: 'core.example.com',
  mqttPort: 8883,
  tls: true,
  api: 'https://core.example.com/api/v1',
  uid: 'greenhouse-07',
  secret: "it's a secret",
};

const textOf = (key: string, target: Target): string =>
  snippetsFor(target).find((snippet) => snippet.key === key)?.text ?? '';

describe('what the console offers to a new device', () => {
  test('is one word for a shell, whatever is in the secret', async () => {
    const { stdout } = await run('sh', ['-c', textOf('curl', TARGET).replace('curl', "printf '%s\\n'")]);
    expect(stdout.split('\n')).toContain("greenhouse-07:it's a secret");
  });

  test('is a flow that Node-RED imports with its login', () => {
    const flow = JSON.parse(textOf('node_red', TARGET)) as Record<string, unknown>[];
    const broker = flow.find(({ type }) => type === 'mqtt-broker');
    expect(broker).toMatchObject({ broker: 'core.example.com', port: '8883', usetls: true });
    expect(broker?.['credentials']).toEqual({ user: 'greenhouse-07', password: "it's a secret" });
    const out = flow.find(({ type }) => type === 'mqtt out');
    expect(out).toMatchObject({ topic: 'devices/greenhouse-07/telemetry', qos: '1', broker: broker?.['id'] });
    const ids = flow.map(({ id }) => id);
    expect(flow.flatMap(({ wires }) => (wires as string[][] | undefined)?.flat() ?? [])).toEqual([out?.['id']]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

const missing = await missingPrograms(['curl', 'mosquitto_pub']);

if (missing.length > 0) {
  leaveOut('snippets of the console', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  describe('a snippet of the console, run as it is', () => {
    const folder = temporaryFolder();
    let server: ServerProcess;
    let api: ApiClient;

    beforeAll(async () => {
      const settings = {
        DATA_DIR: folder.path,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
    });
    afterAll(async () => {
      await server.end('SIGKILL');
      folder.remove();
    });

    async function newDevice() {
      const { id, uid, secret } = await api.registerDevice();
      const target = { host: '127.0.0.1', mqttPort: server.mqttPort, tls: false, api: `${server.httpUrl}/api/v1` };
      const latest = async () =>
        (await api.call('GET', `/api/v1/devices/${id}/telemetry/latest`)).metrics.temperature?.value;
      return { target: { ...target, uid, secret }, latest };
    }

    test.for(['mosquitto', 'curl'])('%s stores a first message', async (key) => {
      const { target, latest } = await newDevice();
      await run('sh', ['-c', textOf(key, target)]);
      await expect.poll(latest).toBe(21.4);
    });

    if (!existsSync(PYTHON)) {
      const what = 'no python3 with paho-mqtt: set TEST_PYTHON, or npm run services:install';
      leaveOut('Python snippet of the console', ['python3 with paho-mqtt'], what);
    } else {
      test('python stores a first message', async () => {
        const { target, latest } = await newDevice();
        const program = spawn(PYTHON, ['-c', textOf('python', target)], { stdio: 'ignore' });
        try {
          await expect.poll(latest).toBe(21.4);
        } finally {
          program.kill('SIGKILL');
        }
      });
    }
  });
}
