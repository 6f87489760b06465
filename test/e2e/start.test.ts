import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerSettings, spawnServer, startServer } from '../support/server-process.ts';

/** Starts a server that is expected to give up: its exit code and what it wrote to standard error. */
async function failToStart(settings: ServerSettings): Promise<{ code: number | null; lines: readonly string[] }> {
  const child = spawnServer({ HTTP_PORT: '0', MQTT_PORT: '0', ...settings });
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: text.trimEnd().split('\n') };
}

describe('a start that cannot work gives one clear line and exit code 1', () => {
  const folder = temporaryFolder();
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0)) await undo();
  });

  test.each(['HTTP_PORT', 'MQTT_PORT'])('%s is taken', async (setting) => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    cleanup.push(() => occupant.close());
    const { port } = occupant.address() as { port: number };
    const { code, lines } = await failToStart({ DATA_DIR: join(folder.path, setting), [setting]: String(port) });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`Port ${port} on 127.0.0.1 is taken`);
  });

  test('the data folder cannot be written', async () => {
    const file = join(folder.path, 'a-file');
    writeFileSync(file, '');
    const { code, lines } = await failToStart({ DATA_DIR: join(file, 'data') });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/DATA_DIR .* cannot be written/);
  });

  test('the data folder is where nobody can make one', async () => {
    const { code, lines } = await failToStart({ DATA_DIR: '/proc/core-api/data' });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('DATA_DIR /proc/core-api/data cannot be written');
  });

  test('bad settings are listed all at once with what is accepted', async () => {
    const { code, lines } = await failToStart({
      DATA_DIR: folder.path,
      HTTP_PORT: 'eighty',
      LOG_LEVEL: 'loud',
      REDIS_URL: 'http://secret@x',
    });
    expect(code).toBe(1);
    expect(lines[0]).toContain('3 settings are not valid');
    expect(lines.slice(1).map((line) => line.trim().split('=')[0])).toEqual(['HTTP_PORT', 'REDIS_URL', 'LOG_LEVEL']);
    expect(lines[1]).toContain('a whole number from 0 to 65535');
    expect(lines.join()).not.toContain('secret');
  });

  test('two servers on one data folder', async () => {
    const dataDir = join(folder.path, 'shared');
    const first = await startServer({ DATA_DIR: dataDir });
    cleanup.push(() => first.end('SIGKILL'));
    const { code, lines } = await failToStart({ DATA_DIR: dataDir });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('is in use by another server');
    // A server that was killed leaves no lock behind.
    await first.end('SIGKILL');
    const second = await startServer({ DATA_DIR: dataDir });
    expect(await second.end('SIGTERM')).toBe(0);
  });
});

test('SIGTERM ends the server in order, with exit code 0', async () => {
  const folder = temporaryFolder();
  const server = await startServer({ DATA_DIR: folder.path, HTTP_PORT: String(await freePort()) });
  expect(await server.end('SIGTERM')).toBe(0);
  expect(server.output()).not.toMatch(/error|failed/i);
  folder.remove();
});

test('SIGINT as a terminal and npm send it, twice at once, still ends the server in order', async () => {
  const folder = temporaryFolder();
  const server = await startServer({ DATA_DIR: folder.path });
  process.kill(server.pid, 'SIGINT');
  process.kill(server.pid, 'SIGINT');
  expect(await server.exit()).toBe(0);
  folder.remove();
});

test('SIGTERM while the store is blocked ends the server in order, within ten seconds', async () => {
  const folder = temporaryFolder();
  const server = await startServer({ DATA_DIR: folder.path });
  const api = await signInAsSuperuser(server, { DATA_DIR: folder.path });
  const device = await api.registerDevice();
  const client = await connectAsync(server.mqttUrl, {
    username: device.uid,
    password: device.secret,
    reconnectPeriod: 0,
  });
  const other = new DatabaseSync(join(folder.path, 'telemetry.db'), { timeout: 10_000 });
  other.exec('BEGIN IMMEDIATE');
  client.publish(`devices/${device.uid}/telemetry`, '{"a":1}', { qos: 1 });
  const { httpUrl } = server;
  await expect.poll(async () => (await fetch(`${httpUrl}/readyz`)).status, { timeout: 30_000 }).toBe(503);
  const startedAt = Date.now();
  expect(await server.end('SIGTERM')).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
  other.close();
  client.end(true);
  folder.remove();
});

test('a server without users prints a code with which the first one is made, and another start prints none', async () => {
  const folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path };
  const printed = (output: string) => /with the code ((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})/.exec(output)?.[1];
  const first = await startServer(settings);
  await expect.poll(() => printed(first.output())).toBeDefined();
  expect(first.output()).toContain(`make the first user at ${first.httpUrl}/admin with the code`);
  const code = printed(first.output());
  await first.end('SIGTERM');
  // It is the same one after a restart.
  const second = await startServer(settings);
  const body = JSON.stringify({ code, email: 'kim@example.com', password: 'correct horse battery' });
  const headers = { 'content-type': 'application/json' };
  const setUp = () => fetch(`${second.httpUrl}/api/v1/system/setup`, { method: 'POST', headers, body });
  expect((await setUp()).status).toBe(201);
  expect((await setUp()).status).toBe(409);
  await second.end('SIGTERM');
  const third = await startServer(settings);
  await expect.poll(() => third.output()).toContain('npm run demo');
  expect(printed(third.output())).toBeUndefined();
  expect(third.output()).toContain('create-superuser you@example.com   then sign in');
  await third.end('SIGTERM');
  folder.remove();
});
