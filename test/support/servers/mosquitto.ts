import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { TEST_CERTIFICATE } from '#platform/mqtt/aedes/certificate.fixture.ts';
import { freePort } from '../server-process.ts';
import type { TestServer } from '../servers.ts';
import { findProgram, startPrivateProcess } from './private-process.ts';

const SHIPPED = join(import.meta.dirname, '../../../deploy/mosquitto/mosquitto.conf');
const PLUGIN = 'mosquitto_dynamic_security.so';
const ADMIN = 'core.admin';
const PASSWORD = 'admin-password';

/**
 * Mosquitto with the configuration that is shipped. The address is that of the listener for core-api, with
 * the account that may manage accounts; `?devices=` and `ws=` are the ports for devices: see `devicePortOf`.
 */
export async function startMosquitto(): Promise<TestServer | null> {
  const [server, control] = await Promise.all([
    findProgram('mosquitto', '/usr/sbin/mosquitto'),
    findProgram('mosquitto_ctrl'),
  ]);
  if (server === null || control === null) return null;
  const run = promisify(execFile);
  const plugin = await findPlugin(run);
  if (plugin === null) return null;
  const ports = { devices: await freePort(), tls: await freePort(), ws: await freePort() };

  return await startPrivateProcess({
    name: 'mosquitto',
    async prepare({ folder, port }) {
      await run(control, ['dynsec', 'init', join(folder, 'dynamic-security.json'), ADMIN, PASSWORD]);
      await writeFile(join(folder, 'server.crt'), TEST_CERTIFICATE.cert);
      await writeFile(join(folder, 'server.key'), TEST_CERTIFICATE.key);
      const conf = (await readFile(SHIPPED, 'utf8'))
        .replace(/^plugin .*$/m, `plugin ${plugin}`)
        .replaceAll(/\/mosquitto\/(data|certs)/g, folder)
        .replace(/^user .*$/m, `user ${userInfo().username}`)
        .replace(/^listener 1882 .*$/m, `listener ${port} 127.0.0.1`)
        .replace(/^listener 1883 .*$/m, `listener ${ports.devices} 127.0.0.1`)
        .replace(/^listener 8883 .*$/m, `listener ${ports.tls} 127.0.0.1`)
        .replace(/^listener 8083 .*$/m, `listener ${ports.ws} 127.0.0.1`);
      await writeFile(join(folder, 'mosquitto.conf'), conf);
    },
    command: ({ folder }) => [server, '-c', join(folder, 'mosquitto.conf')],
    async ready({ port }) {
      const options = { username: ADMIN, password: PASSWORD, connectTimeout: 2_000, reconnectPeriod: 0 };
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false);
      await client.endAsync(true);
      return true;
    },
    url: ({ port }) => `mqtt://${ADMIN}:${PASSWORD}@127.0.0.1:${port}?devices=${ports.devices}&ws=${ports.ws}`,
  });
}

/** Where devices connect to the broker whose address is `url`. */
export function devicePortOf(url: string): number {
  return Number(new URL(url).searchParams.get('devices') ?? 1883);
}

/** Where devices connect over WebSocket; null: the broker is not ours, and its address does not say. */
export function webSocketPortOf(url: string): number | null {
  const port = new URL(url).searchParams.get('ws');
  return port === null ? null : Number(port);
}

async function findPlugin(run: (file: string, args: readonly string[]) => Promise<{ stdout: string }>) {
  const { stdout } = await run('find', ['/usr/lib', '/usr/local/lib', '-name', PLUGIN]).catch(() => ({ stdout: '' }));
  return stdout.split('\n')[0] || null;
}
