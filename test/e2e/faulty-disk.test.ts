import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { createFaultyDisk, describeFaultyDisk, type FaultyDisk } from '../support/faulty-disk.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, spawnServer, startServer } from '../support/server-process.ts';

const WITHIN = { timeout: 60_000 } as const;

describeFaultyDisk('the disk of the data folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: FaultyDisk;
  let server: ServerProcess;
  let api: ApiClient;

  beforeEach(async () => {
    folder = temporaryFolder();
    disk = createFaultyDisk(folder.path);
    const settings = { DATA_DIR: folder.path, LOG_LEVEL: 'info', ...disk.env };
    server = await startServer(settings);
    api = await signInAsSuperuser(server, settings);
  });
  afterEach(async () => {
    disk.behave({});
    await server.end('SIGKILL');
    disk.remove();
    folder.remove();
  });

  async function request(method: string, path: string, body?: object) {
    const response = await fetch(`${server.httpUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }
  const readiness = () => request('GET', '/readyz');
  const linesOf = (part: RegExp) =>
    server
      .output()
      .split('\n')
      .filter((line) => part.test(line));

  test('is full: 503, one line that names the file, /readyz says which; and all goes on when there is space', async () => {
    disk.behave({ isFull: true });
    for (const name of ['a', 'b', 'c']) {
      const answer = await request('POST', '/api/v1/device-groups', { name });
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(JSON.stringify(answer.body)).not.toMatch(/core\.db|SQLITE|disk|transaction/i);
    }
    expect(await request('POST', '/api/v1/system/jobs/cleanup_expired_tokens/run', {})).toMatchObject({ status: 503 });
    expect(await readiness()).toMatchObject({ status: 503, body: { checks: { sql: 'away', jobs: 'away' } } });
    expect((await request('GET', '/api/v1/device-groups')).status).toBe(200);
    expect(linesOf(/disk of \S*core\.db is full/)).toHaveLength(1);
    expect(linesOf(/disk of \S*jobs\.db is full/)).toHaveLength(1);
    expect(linesOf(/cannot rollback/)).toEqual([]);
    disk.behave({});
    await expect.poll(readiness, WITHIN).toMatchObject({ status: 200, body: { checks: { sql: 'ok', jobs: 'ok' } } });
    expect((await request('POST', '/api/v1/device-groups', { name: 'd' })).status).toBe(201);
    const { items } = (await request('GET', '/api/v1/device-groups')).body as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual(['d']);
  });

  test.each([
    ['core.db', 'sql'],
    ['telemetry.db', 'telemetry'],
  ])('cannot be read, %s: 503, and /readyz says so until it can', async (file, check) => {
    const device = await api.registerDevice();
    expect(await server.end('SIGTERM')).toBe(0);
    const broken = createFaultyDisk(join(folder.path, file));
    server = await startServer({ DATA_DIR: folder.path, ...broken.env });
    broken.behave({ failsReading: true });
    const history = `/api/v1/devices/${device.id}/telemetry`;
    expect(await request('GET', history)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(await readiness()).toMatchObject({ status: 503, body: { checks: { [check]: 'away' } } });
    broken.behave({});
    await expect.poll(readiness, WITHIN).toMatchObject({ status: 200 });
    expect((await request('GET', history)).status).toBe(200);
    broken.remove();
  });

  test('hangs: SIGTERM still ends the server within ten seconds, with exit code 0', async () => {
    disk.behave({ syncDelayMs: 30_000 });
    const change = request('POST', '/api/v1/device-groups', { name: 'a' }).catch(() => null);
    // A change that has not come to the disk is refused behind one that has.
    await expect
      .poll(() => request('POST', '/api/v1/device-groups', { name: 'b' }), WITHIN)
      .toMatchObject({ status: 503 });
    const startedAt = performance.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await change;
  });

  test('is full at the start: one line that names it, and exit code 1', async () => {
    disk.behave({ isFull: true });
    const DATA_DIR = join(folder.path, 'new');
    const child = spawnServer({ DATA_DIR, HTTP_PORT: '0', MQTT_PORT: '0', ...disk.env });
    const [errors, [code]] = await Promise.all([text(child.stderr as never), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(errors.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^core-api cannot start: .*disk of \S+ is full/),
    ]);
  });
});
