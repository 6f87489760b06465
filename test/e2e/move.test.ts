import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signIn, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import {
  coreProcess,
  runCore,
  type ServerProcess,
  type ServerSettings,
  startServer,
} from '../support/server-process.ts';
import { databaseAt } from '../support/servers/mariadb.ts';
import { databaseIn } from '../support/servers/mongodb.ts';
import { describeWithServers } from '../support/servers.ts';

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };
const DEVICES = 10;
const SAMPLES = 3_000;
/** Two hours ago, by the clock: hours that are over are rolled up. */
const HOUR = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const T0 = HOUR + 3_599_000;
const iso = (time: number) => new Date(time).toISOString();

/** Runs the command to its end. */
async function runMove(args: readonly string[], settings: ServerSettings) {
  const child = coreProcess(['move', ...args], settings);
  const output = collect(child);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output() };
}

/** SIGKILL as soon as a line says this. @returns whether it was killed: false when it had ended before */
async function killMoveAt(line: RegExp, args: readonly string[], settings: ServerSettings): Promise<boolean> {
  const child = coreProcess(['move', ...args], settings);
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (text) => {
    if (line.test(text)) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal === 'SIGKILL';
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += String(chunk);
    });
  }
  return () => text;
}

/** Everything that people can see of an installation. */
async function everything(api: ApiClient, devices: readonly RegisteredDevice[]) {
  const get = async (path: string) => await api.call('GET', `/api/v1/${path}`);
  const history = async (id: number) => {
    const items: unknown[] = [];
    for (let cursor = ''; ; ) {
      const page = await get(`devices/${id}/telemetry?order=asc&limit=1000${cursor}`);
      items.push(...page.items);
      if (page.next_cursor === null) return items;
      cursor = `&cursor=${page.next_cursor}`;
    }
  };
  return {
    users: (await get('users?sort=id')).items.map(
      ({ last_login_at: _, updated_at: __, ...user }: object & Record<string, unknown>) => user,
    ),
    devices: await get('devices?size=100&sort=id'),
    groups: await get('device-groups?sort=id'),
    rules: await get('monitoring/alert-rules?sort=id'),
    alerts: await get('monitoring/alerts?sort=id'),
    configs: await get('system/configs'),
    notifications: (await get('notifications?size=100')).items,
    // Whoever looks is on the trail too.
    trail: (await get('system/audit-logs?resource_type=device&size=100')).items,
    analytics: await get(
      `analytics/telemetry/${devices[0]?.id}?start=${iso(HOUR)}&end=${iso(HOUR + 7_200_000)}&interval=1h`,
    ),
    telemetry: await Promise.all(
      devices.map(async ({ id }) => ({
        history: await history(id),
        latest: await get(`devices/${id}/telemetry/latest`),
        ledger: await get(`devices/${id}/ledger`),
        logs: (await get(`devices/${id}/logs?order=asc&limit=1000`)).items,
      })),
    ),
  };
}

await describeWithServers(['mariadb', 'mongodb'], (servers) => {
  const folder = temporaryFolder();
  const files: ServerSettings = { DATA_DIR: folder.path };
  const outside: ServerSettings = {
    DATA_DIR: folder.path,
    DATABASE_URL: databaseAt(servers.mariadb.url),
    DOCUMENTS_URL: databaseIn(servers.mongodb.url),
  };
  const devices: RegisteredDevice[] = [];
  let server: ServerProcess | undefined;
  let api: ApiClient;
  let before: Awaited<ReturnType<typeof everything>>;

  /** A test that failed may have left one. */
  async function started(settings: ServerSettings): Promise<ServerProcess> {
    await server?.end('SIGKILL');
    return await startServer(settings);
  }

  beforeAll(async () => {
    server = await startServer(files);
    api = await signInAsSuperuser(server, files);
    for (let index = 0; index < DEVICES; index += 1) {
      devices.push(await api.registerDevice({ name: `기기 ${index} 😀`, metadata: { path: 'C:\\x', index } }));
    }
    for (const name of ['one', 'two', 'three']) await api.call('POST', '/api/v1/device-groups', { name });
    // The greatest id that was ever given is not given again, also when its row is gone.
    await api.call('DELETE', '/api/v1/device-groups/3');
    await api.call('POST', '/api/v1/monitoring/alert-rules', {
      name: 'Too many',
      metric: 'seq',
      condition: 'gt',
      threshold: 100,
      severity: 'WARNING',
      scope: { device_id: devices[0]?.id },
      channels: ['web'],
    });
    await api.call('PUT', '/api/v1/system/configs/site', { value: { text: '서울', deep: [1, null] } });
    await api.call('PUT', '/api/v1/system/configs/token', { value: 'hush', is_secret: true });
    const uploaded = await fetch(`${server.httpUrl}/api/v1/firmware?device_type=test&version=1.0.0`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(700_000, 'image'),
    });
    expect(uploaded.status).toBe(201);
    await api.call('POST', '/api/v1/notifications/broadcast', { title: 'Tonight', message: 'Maintenance' });
    for (const [index, device] of devices.entries()) {
      for (let first = 0; first < SAMPLES; first += 1_000) {
        const samples = Array.from({ length: 1_000 }, (_, n) => ({
          timestamp: T0 + first + n,
          metrics: { seq: first + n, ratio: (first + n) / 7, 'motor.on': n % 2 === 0, [`only-${index}`]: 'ä' },
        }));
        await ingest(server, device, 'telemetry', [...samples, 'not an object'].slice(-1_000));
      }
      await ingest(server, device, 'log', [{ event_type: 'boot', payload: { 'a.b': [1, { $c: null }] } }]);
    }
  }, 120_000);
  afterAll(async () => {
    await server?.end('SIGKILL');
    folder.remove();
  });

  test('an installation has data of every kind', async () => {
    const titles = async () => (await api.call('GET', '/api/v1/notifications')).items.length;
    // The broadcast and the alert.
    await expect.poll(titles, { timeout: 30_000 }).toBe(2);
    expect((await api.call('GET', '/api/v1/monitoring/alerts')).items).toHaveLength(1);
    await api.call('POST', '/api/v1/notifications/read-all');
    // A stop writes what is kept back for a moment, such as last_seen_at.
    expect(await server?.end('SIGTERM')).toBe(0);
    server = await startServer(files);
    api = await signIn(server, ADMIN);
    before = await everything(api, devices);
    expect(before.telemetry[0]?.ledger.rejected).toEqual({ not_an_object: 3 });
    expect(before.analytics.buckets).toHaveLength(2);
    expect(before.trail.length).toBeGreaterThan(0);
  });

  test('beside a server that runs on the folder it is refused', async () => {
    const { code, output } = await runMove(['--to', 'production'], outside);
    expect(output).toMatch(/in use by another server/);
    expect(code).toBe(1);
    expect(await server?.end('SIGTERM')).toBe(0);
    server = undefined;
  });

  test('a command that cannot work says how it would', async () => {
    for (const [args, settings, message] of [
      [[], outside, '--to production or --to embedded'],
      [['--to', 'mars'], outside, '--to production or --to embedded'],
      [['--to', 'production'], files, 'set DATABASE_URL, DOCUMENTS_URL or both'],
      [['--to', 'production'], { ...outside, DATA_DIR: join(folder.path, 'empty') }, 'There is no'],
      [['--to', 'embedded'], { ...outside, DATA_DIR: join(folder.path, 'empty') }, 'There is no installation in'],
      [['--to', 'embedded'], outside, 'There is no installation in'],
    ] as const) {
      const { code, output } = await runMove(args, settings);
      expect(output).toContain(message);
      expect(code).toBe(1);
    }
  });

  test('killed in the middle again and again, it goes on where it stopped, and both sides are equal', async () => {
    const route = ['--to', 'production'];
    expect(await killMoveAt(/^users +0 of/, route, outside)).toBe(true);
    expect(await killMoveAt(/^devices +10 of 10/, route, outside)).toBe(true);
    // What a server stored in a target would be lost when the move goes on.
    await expect(startServer(outside)).rejects.toThrow('A move into the database was not finished');
    await expect(runCore(['create-superuser', 'x@example.com', ADMIN.password], outside)).rejects.toThrow(
      'was not finished',
    );
    // A target that is being moved into takes nothing from anywhere else.
    const other = { ...outside, DATA_DIR: join(folder.path, 'other') };
    await runCore(['create-superuser', 'other@example.com', ADMIN.password], { DATA_DIR: other.DATA_DIR });
    const foreign = await runMove(route, { DATA_DIR: other.DATA_DIR, DATABASE_URL: outside['DATABASE_URL'] ?? '' });
    expect(foreign.output).toContain('a move of another installation that was not finished');
    expect(foreign.code).toBe(1);
    expect(await killMoveAt(/^device_logs +/, route, outside)).toBe(true);
    expect(await killMoveAt(/^telemetry: devices +0 of/, route, outside)).toBe(true);
    const documentsAlone = { DATA_DIR: other.DATA_DIR, DOCUMENTS_URL: outside['DOCUMENTS_URL'] ?? '' };
    await expect(startServer(documentsAlone)).rejects.toThrow('A move into the document store was not finished');
    expect(await killMoveAt(/^compared: devices/, route, outside)).toBe(true);

    const { code, output } = await runMove(route, outside);
    expect(output).toMatch(/^equal {2}table devices: 10 rows, next id 11, sha256 [0-9a-f]{64}$/m);
    expect(output).toMatch(/^equal {2}collection device_logs: \d+ documents, sha256 /m);
    expect(output).toMatch(new RegExp(`^equal {2}telemetry of 10 devices, ${10 * SAMPLES - 30} samples: sha256 `, 'm'));
    expect(output).toMatch(/^equal {2}files: 1, SHA-256 [0-9a-f]{64}$/m);
    expect(output).toMatch(/Moved: .* all equal/);
    expect(code).toBe(0);
  });

  test('a target that holds something is refused', async () => {
    const { code, output } = await runMove(['--to', 'production'], outside);
    expect(output).toMatch(/The database of DATABASE_URL is not empty \(table [a-z_]+: \d+ rows\)/);
    expect(code).toBe(1);
    const documentsOnly = { DATA_DIR: folder.path, DOCUMENTS_URL: outside['DOCUMENTS_URL'] ?? '' };
    expect((await runMove(['--to', 'production'], documentsOnly)).output).toMatch(
      /The document store of DOCUMENTS_URL is not empty \(collection [a-z_]+: \d+ documents\)/,
    );
  });

  test('the moved installation answers as before, and goes on', async () => {
    server = await started(outside);
    api = await signIn(server, ADMIN);
    expect(await everything(api, devices)).toEqual(before);
    expect(await api.call('POST', '/api/v1/device-groups', { name: 'four' })).toMatchObject({ id: 4 });
    await api.call('DELETE', '/api/v1/device-groups/4');
    expect(await server.end('SIGTERM')).toBe(0);
    server = undefined;
  });

  test('and back, into files that are empty', async () => {
    const back = ['--to', 'embedded'];
    expect((await runMove(back, outside)).output).toContain('core.db is not empty');
    for (const name of ['core.db', 'telemetry.db']) {
      for (const end of ['', '-wal', '-shm']) rmSync(join(folder.path, `${name}${end}`), { force: true });
    }
    expect(await killMoveAt(/^telemetry: devices +0 of/, back, outside)).toBe(true);
    const { code, output } = await runMove(back, outside);
    expect(output).toMatch(/Moved: .* all equal/);
    expect(code).toBe(0);
    server = await started(files);
    api = await signIn(server, ADMIN);
    expect(await everything(api, devices)).toEqual(before);
    expect(await api.call('POST', '/api/v1/device-groups', { name: 'five' })).toMatchObject({ id: 5 });
  });
});

async function ingest(server: ServerProcess, device: RegisteredDevice, kind: string, items: unknown): Promise<void> {
  const response = await fetch(`${server.httpUrl}/api/v1/ingest/${kind}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${device.uid}:${device.secret}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(items),
  });
  expect(response.status).toBe(200);
}
