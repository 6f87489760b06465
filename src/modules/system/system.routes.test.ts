import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createTestApp, PRINCIPALS, type TestApp } from '#test/support/http.ts';
import { createJobsHarness } from '#test/support/jobs.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createSystemModule, type SystemModule, systemMigrations } from './index.ts';

const CONFIGS = '/api/v1/system/configs';
const as = PRINCIPALS.SUPERADMIN;

let folder: ReturnType<typeof temporaryFolder>;
let sql: SqlStore;
let clock: TestClock;
let system: SystemModule;
let app: TestApp;
let logged: object[];

async function start(): Promise<void> {
  const logger = { ...silentLogger, error: (fields: object) => void logged.push(fields) };
  system = createSystemModule({
    sql,
    audit: createAuditTrail({ sql, clock }),
    clock,
    logger,
    jobs: createJobsHarness(clock).jobs,
    secrets: createSecretBox({ folder: join(folder.path, 'keys') }),
    facts: {
      version: '1.2.3',
      runtime: { node: '26.0.0', platform: 'linux', arch: 'x64' },
      roles: ['api'],
      instanceId: 'test',
      adapters: { relational: 'paper' },
      memoryBytes: () => 1_000,
      storage: async () => ({ dataBytes: 10, freeBytes: 20, diskBytes: 40 }),
      brokerAddresses: (host) => ({
        ...{ host, port: 1883, tlsPort: 8883, webSocketPort: null },
        tlsNeedsCertificate: true,
      }),
      counts: [async () => ({ users: 2 }), async () => ({ devices: 3, device_groups: 0 })],
    },
  });
  for (const component of system.components) await component.start?.(AbortSignal.timeout(5_000));
  app = await createTestApp({ routes: system.routes, clock });
}

beforeEach(async () => {
  folder = temporaryFolder();
  logged = [];
  sql = await createTestSql(systemMigrations);
  clock = createTestClock();
  await start();
});
afterEach(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(1_000));
  folder.remove();
});

const put = (key: string, body: unknown) => app.request({ method: 'PUT', url: `${CONFIGS}/${key}`, body, as });
const get = (key: string) => app.request({ url: `${CONFIGS}/${key}`, as });
const stored = async (key: string) =>
  (
    await sql
      .db<{ system_configs: { key: string; value: string } }>()
      .selectFrom('system_configs')
      .select('value')
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
  ).value;

describe('info', () => {
  test('says what main tells, since when and how many', async () => {
    clock.advance(90_500);
    expect((await app.request({ url: '/api/v1/system/info', as })).json()).toEqual({
      version: '1.2.3',
      runtime: { node: '26.0.0', platform: 'linux', arch: 'x64' },
      instance_id: 'test',
      roles: ['api'],
      started_at: '2026-11-23T00:00:00.000Z',
      uptime_seconds: 90,
      memory_bytes: 1_000,
      storage: { data_bytes: 10, free_bytes: 20, disk_bytes: 40 },
      adapters: { relational: 'paper' },
      counts: { users: 2, devices: 3, device_groups: 0 },
    });
  });

  test.each(['SUPERADMIN', 'USER'] as const)('tells %s where devices connect', async (role) => {
    const url = '/api/v1/system/connection';
    const mqtt = { host: 'iot.local', port: 1883, tls_port: 8883, websocket_port: null, tls_needs_certificate: true };
    const headers = { host: 'iot.local:8000' };
    expect((await app.request({ url, headers, as: PRINCIPALS[role] })).json()).toEqual({ mqtt });
    expect((await app.request({ url })).status).toBe(401);
  });

  test('health needs nobody', async () => {
    expect((await app.request({ url: '/api/v1/system/health' })).json()).toEqual({ status: 'ok' });
  });
});

describe('configuration', () => {
  test.each([[{ a: [1, null, 'x'] }], ['text'], [0], [false], [null], [[]]])('keeps %j', async (value) => {
    expect((await put('a.b-c_1', { value })).json()).toMatchObject({ key: 'a.b-c_1', value, is_secret: false });
    expect((await get('a.b-c_1')).json().value).toEqual(value);
    expect(await system.api.readConfig('a.b-c_1')).toEqual(value);
  });

  test('is replaced; a description that is left out stays, null clears it', async () => {
    const first = (await put('k', { value: 1, description: 'One' })).json();
    clock.advance(1_000);
    const second = (await put('k', { value: 2 })).json();
    expect(second).toEqual({ ...first, value: 2, updated_at: '2026-11-23T00:00:01.000Z' });
    expect((await put('k', { value: 2, description: null })).json().description).toBeNull();
  });

  test('is listed by key, searched and sorted', async () => {
    for (const key of ['b', 'a', 'c']) await put(key, { value: 1, description: `Is 100% ${key}` });
    const keys = async (query: string) =>
      (await app.request({ url: `${CONFIGS}${query}`, as })).json().items.map(({ key }: { key: string }) => key);
    expect(await keys('')).toEqual(['a', 'b', 'c']);
    expect(await keys('?sort=-key&size=2')).toEqual(['c', 'b']);
    expect(await keys('?q=100%25%20B')).toEqual(['b']);
    expect((await app.request({ url: `${CONFIGS}?sort=value`, as })).json()).toMatchObject({ code: 'invalid_sort' });
  });

  test('what is not there is 404', async () => {
    expect((await get('none')).json()).toMatchObject({ status: 404, code: 'config_not_found' });
    const remove = await app.request({ method: 'DELETE', url: `${CONFIGS}/none`, as });
    expect(remove.json()).toMatchObject({ status: 404, code: 'config_not_found' });
    expect(await system.api.readConfig('none')).toBeUndefined();
    expect(await auditedOn(sql)).toEqual([]);
  });

  test.each(['A', '1a', 'a b', 'a%2Fb', `a${'b'.repeat(100)}`, '.a'])('refuses the key %s', async (key) => {
    expect((await put(key, { value: 1 })).status).toBe(422);
  });

  test('takes the longest key', async () => {
    expect((await put(`a${'b'.repeat(99)}`, { value: 1 })).status).toBe(200);
  });

  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
  test.each([
    ['a value that is too large', { value: 'x'.repeat(16 * 1024) }, '/value'],
    ['a value that is too deep', { value: nested(9) }, '/value'],
    ['no value', { is_secret: true }, '/value'],
    ['a description that is empty', { value: 1, description: '' }, '/description'],
    ['an unknown field', { value: 1, secret: true }, '/secret'],
  ])('refuses %s', async (_, body, path) => {
    const answer = await put('k', body);
    expect(answer.status).toBe(422);
    expect(answer.json().errors[0].path).toBe(path);
    expect((await get('k')).status).toBe(404);
  });

  test('takes a value just below both limits', async () => {
    expect((await put('k', { value: 'x'.repeat(16 * 1024 - 2) })).status).toBe(200);
    expect((await put('k', { value: nested(8), is_secret: true })).status).toBe(200);
  });
});

describe('a secret configuration', () => {
  const SECRET = 'do-not-read-me';

  test('is encrypted at rest, never returned, and readable for the system', async () => {
    expect((await put('k', { value: SECRET, is_secret: true })).json()).toMatchObject({ value: null, is_secret: true });
    const list = await app.request({ url: CONFIGS, as });
    for (const { text } of [await get('k'), list]) expect(text).not.toContain(SECRET);
    expect(await stored('k')).toMatch(/^v1\./);
    expect(await stored('k')).not.toContain(SECRET);
    expect(await system.api.readConfig('k')).toBe(SECRET);
    expect(JSON.stringify(await auditedOn(sql))).not.toContain(SECRET);
  });

  test('stays secret when nothing is said, and becomes readable with a new value only', async () => {
    await put('k', { value: SECRET, is_secret: true });
    expect((await put('k', { value: 'other' })).json()).toMatchObject({ value: null, is_secret: true });
    expect(await system.api.readConfig('k')).toBe('other');
    expect((await put('k', { value: 'open', is_secret: false })).json()).toMatchObject({ value: 'open' });
    expect(await stored('k')).toBe('"open"');
  });

  test('is sealed anew under a new key at the next start, and the old key can go', async () => {
    await put('k', { value: SECRET, is_secret: true });
    const keys = join(folder.path, 'keys');
    writeFileSync(join(keys, 'config-0002.key'), randomBytes(32).toString('base64'));
    const before = (await get('k')).json();
    clock.advance(1_000);
    await app.close();
    await start();
    rmSync(join(keys, 'config-0001.key'));
    await app.close();
    await start();
    expect(await system.api.readConfig('k')).toBe(SECRET);
    expect((await get('k')).json()).toEqual(before);
    expect(logged).toEqual([]);
  });

  test('without its key it is reported at the start, and the rest works', async () => {
    await put('k', { value: SECRET, is_secret: true });
    await put('open', { value: 1 });
    rmSync(join(folder.path, 'keys'), { recursive: true });
    await app.close();
    await start();
    expect(logged).toMatchObject([{ keys: ['k'] }]);
    await expect(system.api.readConfig('k')).rejects.toMatchObject({ code: 'config_key_away' });
    expect((await get('open')).json().value).toBe(1);
    // It can be given again, under a new key.
    expect((await put('k', { value: 'new' })).status).toBe(200);
    expect(await system.api.readConfig('k')).toBe('new');
  });
});
