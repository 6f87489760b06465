import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server-process.ts';
import { PYTHON } from './python.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../../examples/python/provision.py');

/** A device that registers itself, by the example in Python. */
export function provisionScenario(): void {
  test('examples/python/provision.py registers a device, and tells why it cannot', async () => {
    const folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path };
    const server = await startServer(settings);
    try {
      const api = await signInAsSuperuser(server, settings);
      const plan = { name: 'Batch', device_type: 'sensor', max_devices: 1, expires_at: '2100-01-01T00:00:00Z' };
      const { token } = await api.call('POST', '/api/v1/provisioning/claims', plan);
      const env = { ...process.env, CLAIM_TOKEN: token, MQTT_PORT: String(server.mqttPort) };
      const ask = (request: object) => run(PYTHON, [PROGRAM, JSON.stringify(request)], { env, timeout: 40_000 });
      const { stdout } = await ask({ device_uid: 'pump-1' });
      const { username, password, mqtt } = JSON.parse(stdout);
      expect([username, mqtt.port]).toEqual(['pump-1', server.mqttPort]);
      const login = ['-h', mqtt.host, '-p', String(mqtt.port), '-u', username, '-P', password];
      await run('mosquitto_pub', [...login, '-q', '1', '-t', mqtt.publish[0], '-m', '{"pressure":2.5}']);
      const refused = await ask({ device_uid: 'pump-2' }).catch((error) => error);
      expect([refused.code, JSON.parse(refused.stdout)]).toEqual([
        1,
        expect.objectContaining({ code: 'claim_used_up' }),
      ]);
    } finally {
      await server.end('SIGTERM');
      folder.remove();
    }
  });
}
