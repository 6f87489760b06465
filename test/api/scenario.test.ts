import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestRequest } from '#test/support/http.ts';
import { startOidcProvider, type TestIdentityProvider } from '#test/support/identity-providers.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';
import { RULES } from './authorisation.table.ts';
import { rowOf } from './rows.ts';
import { walkThroughAccounts, walkThroughProviders, walkThroughSetup } from './scenario.accounts.ts';
import { walkThroughAlerts } from './scenario.alerts.ts';
import { walkThroughAnalytics } from './scenario.analytics.ts';
import { walkThroughConsole } from './scenario.console.ts';
import { LIFECYCLE } from './scenario.lifecycle.ts';
import { walkThroughNotifications } from './scenario.notifications.ts';

/*
 * One walk through everything that the API can do; every answer is compared with the API document on the way
 * (see test/support/http.ts). The tests build on each other.
 */

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const PASSWORD = 'correct horse battery';
const PUBLIC_URL = 'http://127.0.0.1:8000';

let system: RunningSystem;
let people: People;
let corp: TestIdentityProvider;
let smtp: TestSmtpServer;
const succeeded = new Set<string>();

beforeAll(async () => {
  corp = await startOidcProvider(`${PUBLIC_URL}/api/v1/auth/oauth/corp/callback`);
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  system = await startTestSystem({
    PUBLIC_URL,
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    MAIL_FROM: 'no-reply@example.com',
    OAUTH_SUCCESS_URL: 'https://app.example.com/signed-in',
    OAUTH_CORP_ISSUER: corp.address,
    OAUTH_CORP_CLIENT_ID: corp.clientId,
    OAUTH_CORP_CLIENT_SECRET: corp.clientSecret,
  });
  await walkThroughSetup(call, await system.system.setupCode());
  people = await createPeople(system);
});
afterAll(async () => {
  await system.stop();
  await corp.stop();
  await smtp.stop();
});

/** Sends `route`, such as `POST /api/v1/auth/login`. */
async function send(status: number, route: string, options: Omit<TestRequest, 'method' | 'url'> = {}) {
  const [method = '', url = ''] = route.split(' ');
  const response = await system.request({ method: method as 'GET', url, ...options });
  expect(response.status, `${route}: ${response.text}`).toBe(status);
  if (status < 400) succeeded.add(rowOf(method, url.split('?')[0] ?? url));
  return response;
}

/** The same. @returns the body, parsed where it is JSON */
async function call(...request: Parameters<typeof send>) {
  const response = await send(...request);
  const isJson = response.headers['content-type']?.includes('json') && response.text !== '';
  return isJson ? response.json() : response.text;
}

test('someone registers, signs in, refreshes, looks after the profile and signs out', async () => {
  const email = 'Kim@Example.com';
  const body = { email, password: PASSWORD, full_name: 'Kim Minji', phone: '+82 10-1234-5678', organization: 'Hanbit' };
  const registered = await call(201, 'POST /api/v1/auth/register', { body });
  expect(registered).toMatchObject({ token_type: 'bearer', expires_in: 1800 });
  expect(await call(409, 'POST /api/v1/auth/register', { body })).toMatchObject({ code: 'email_taken' });

  const signedIn = await call(200, 'POST /api/v1/auth/login', { body: { email, password: PASSWORD } });
  const { access_token: as, refresh_token } = await call(200, 'POST /api/v1/auth/refresh', {
    body: { refresh_token: signedIn.refresh_token },
  });
  const [, claims = ''] = as.split('.');
  expect(Object.keys(JSON.parse(Buffer.from(claims, 'base64url').toString())).sort()).toEqual(
    ['sub', 'role', 'iat', 'exp', 'jti', 'iat_ms', 'sid'].sort(),
  );

  expect(await call(200, 'GET /api/v1/users/me', { as })).toMatchObject({
    email: 'kim@example.com',
    role: 'USER',
    full_name: 'Kim Minji',
    is_active: true,
    created_at: expect.stringMatching(INSTANT),
  });
  const patch = { full_name: null, avatar_url: 'https://example.com/kim.png' };
  expect(await call(200, 'PATCH /api/v1/users/me', { as, body: patch })).toMatchObject(patch);
  await call(204, 'POST /api/v1/users/me/password', {
    as,
    body: { current_password: PASSWORD, new_password: `${PASSWORD}!` },
  });
  await call(401, 'GET /api/v1/users/me', { as });
  await call(401, 'POST /api/v1/auth/refresh', { body: { refresh_token } });

  const again = await call(200, 'POST /api/v1/auth/login', { body: { email, password: `${PASSWORD}!` } });
  await call(204, 'POST /api/v1/auth/logout', { as: again.access_token });
  await call(401, 'GET /api/v1/users/me', { as: again.access_token });
});

test('someone has sessions, a second factor and tokens for programs', () => walkThroughAccounts(call, people));

test('an administrator manages users', async () => {
  const as = people.ADMIN.token();
  const body = { email: 'lee@example.com', password: PASSWORD, role: 'USER', full_name: 'Lee' };
  const { id } = await call(201, 'POST /api/v1/users', { as, body });
  expect(await call(200, `GET /api/v1/users/${id}`, { as })).toMatchObject({ id, email: body.email, role: 'USER' });
  expect(await call(200, `PATCH /api/v1/users/${id}`, { as, body: { role: 'MANAGER' } })).toMatchObject({
    role: 'MANAGER',
  });
  const page = await call(200, 'GET /api/v1/users', { as, query: { role: 'MANAGER', q: 'lee', sort: '-created_at' } });
  expect(page).toMatchObject({ items: [{ id }], total: 1, page: 1, size: 20, pages: 1 });
  const reset = await call(200, `POST /api/v1/users/${id}/password-reset`, { as });
  expect(reset).toEqual(expect.objectContaining({ mailed: reset.link === null }));
  await call(204, `DELETE /api/v1/users/${id}`, { as });
  await call(404, `GET /api/v1/users/${id}`, { as });
});

test('a manager sets up groups and devices', async () => {
  const as = people.MANAGER.token();
  const group = await call(201, 'POST /api/v1/device-groups', {
    as,
    body: { name: 'Greenhouses', description: 'Glass' },
  });
  const groupAddress = `/api/v1/device-groups/${group.id}`;
  expect(await call(200, `GET ${groupAddress}`, { as })).toEqual(group);
  expect(await call(200, `PATCH ${groupAddress}`, { as, body: { description: null } })).toMatchObject({
    name: 'Greenhouses',
    description: null,
  });
  expect((await call(200, 'GET /api/v1/device-groups', { as, query: { q: 'green' } })).items).toHaveLength(1);

  const body = {
    name: 'Greenhouse 7',
    device_type: 'sensor',
    device_uid: 'greenhouse-07',
    group_id: group.id,
    owner_id: people.USER.id,
    metadata: { floor: 2 },
  };
  const { credentials, ...created } = await call(201, 'POST /api/v1/devices', { as, body });
  expect(created).toMatchObject({ ...body, status: 'OFFLINE', last_seen_at: null });
  expect(credentials).toEqual({ username: 'greenhouse-07', password: expect.stringMatching(/^[\w-]{43}$/) });
  const address = `/api/v1/devices/${created.id}`;
  expect(await call(200, `GET ${address}`, { as })).toEqual(created);
  const renamed = await call(200, `PATCH ${address}`, { as, body: { name: 'Greenhouse 8' } });
  expect(renamed.name).toBe('Greenhouse 8');

  const query = { group_id: group.id, device_type: 'sensor', status: 'OFFLINE', owner_id: people.USER.id, q: '8' };
  expect((await call(200, 'GET /api/v1/devices', { as: people.USER.token(), query })).items).toMatchObject([
    { id: created.id },
  ]);

  const rotated = await call(200, `POST ${address}/credentials`, { as });
  expect(rotated.credentials.password).not.toBe(credentials.password);
  expect((await call(200, `GET ${address}/connection`, { as })).sessions).toEqual([]);
  await call(204, `POST ${address}/disconnect`, { as });
  await call(409, `DELETE ${groupAddress}`, { as });
  await call(204, `DELETE ${address}`, { as: people.ADMIN.token() });
  await call(204, `DELETE ${groupAddress}`, { as });
});

test('a file of devices goes in and comes out', async () => {
  const as = people.MANAGER.token();
  const rows = [{ name: 'One', device_type: 'sensor', device_uid: 'one' }, { name: 'no type' }];
  expect(await call(200, 'POST /api/v1/devices/import', { as, body: rows })).toMatchObject({
    created: 1,
    failed: 1,
    rows: [
      { row: 1, device_uid: 'one', status: 'created', credentials: { username: 'one' } },
      { row: 2, status: 'failed', errors: [{ path: '/device_type' }] },
    ],
  });
  const csv = { raw: 'name,device_type,device_uid\nTwo,sensor,two\n', headers: { 'content-type': 'text/csv' } };
  expect(await call(200, 'POST /api/v1/devices/import', { as, ...csv })).toMatchObject({ created: 1, failed: 0 });

  const exported = await call(200, 'GET /api/v1/devices/export', { as, query: { format: 'json' } });
  expect(exported.map((device: { device_uid: string }) => device.device_uid).sort()).toEqual(['one', 'two']);
  const [header, ...lines] = (await call(200, 'GET /api/v1/devices/export', { as })).trim().split('\n');
  expect(header).toContain('device_uid');
  expect(lines).toHaveLength(2);
});

test('a device sends over HTTP, its owner reads', async () => {
  const { id, headers } = await people.device({ owner_id: people.USER.id });
  const as = people.USER.token();
  const address = `/api/v1/devices/${id}`;
  const start = Date.now() - 10_000;
  const samples = [0, 1, 2, 3, 4].map((second) => ({
    timestamp: new Date(start + second * 1000).toISOString(),
    metrics: { temperature: 20 + second, door_open: second % 2 === 1, mode: 'auto' },
  }));
  const send = (kind: string, body: unknown) => call(200, `POST /api/v1/ingest/${kind}`, { headers, body });

  expect(await send('telemetry', samples.slice(0, 3))).toEqual({ stored: 3, merged: 0, rejected: [] });
  const lines = [samples[3], samples[4], { metrics: {} }].map((item) => JSON.stringify(item)).join('\n');
  const ndjson = { raw: lines, headers: { ...headers, 'content-type': 'application/x-ndjson' } };
  expect(await call(200, 'POST /api/v1/ingest/telemetry', ndjson)).toEqual({
    stored: 2,
    merged: 0,
    rejected: [{ index: 2, reason: 'empty_metrics' }],
  });
  expect(await send('telemetry', samples[4])).toEqual({ stored: 0, merged: 1, rejected: [] });
  expect(await send('status', { status: 'ERROR', firmware_version: '1.4.2' })).toMatchObject({ rejected: [] });
  expect(await send('log', { event_type: 'boot', level: 'info', payload: { reason: 'power' } })).toMatchObject({
    stored: 1,
  });
  expect(await send('response', { command_id: 'x', status: 'success' })).toMatchObject({
    rejected: [{ index: 0, reason: 'unknown_command' }],
  });

  const latest = await call(200, `GET ${address}/telemetry/latest`, { as });
  expect(latest).toMatchObject({
    device_id: id,
    metrics: {
      temperature: { value: 24, timestamp: samples[4]?.timestamp },
      door_open: { value: false },
      mode: { value: 'auto' },
    },
  });

  const seen = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = { limit: '2', order: 'asc', start: samples[0]?.timestamp ?? '' };
    if (cursor !== null) query['cursor'] = cursor;
    const page: { items: unknown[]; next_cursor: string | null } = await call(200, `GET ${address}/telemetry`, {
      as,
      query,
    });
    seen.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(seen).toEqual(samples);
  const only = await call(200, `GET ${address}/telemetry`, { as, query: { metrics: 'temperature', limit: 1 } });
  expect(only.items).toEqual([{ timestamp: samples[4]?.timestamp, metrics: { temperature: 24 } }]);

  const logs = await call(200, `GET ${address}/logs`, { as, query: { event_type: 'boot' } });
  expect(logs).toMatchObject({
    items: [{ event_type: 'boot', level: 'info', payload: { reason: 'power' } }],
    next_cursor: null,
  });
  expect(await call(200, `GET ${address}`, { as })).toMatchObject({
    status: 'ERROR',
    firmware_version: '1.4.2',
    last_seen_at: expect.stringMatching(INSTANT),
  });

  const ledger = await call(200, `GET ${address}/ledger`, { as });
  expect(ledger).toMatchObject({
    device_id: id,
    merged: 1,
    rejected: { empty_metrics: 1, unknown_command: 1 },
    in_flight: 0,
  });
  expect(ledger.received).toBe(ledger.stored + ledger.merged + 2);
});

/** The token of the latest mail to `email` that leads to `page`, as soon as a worker has sent it. */
async function tokenFor(email: string, page: string): Promise<string> {
  const link = new RegExp(`/auth/${page}#token=([\\w-]{43})`);
  const find = () =>
    smtp.received
      .filter(({ to }) => to.includes(email))
      .map(({ raw }) => link.exec(raw.replaceAll('=\r\n', '').replaceAll('=3D', '='))?.[1])
      .findLast((token) => token !== undefined);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() ?? '';
}

test('someone proves an e-mail address and forgets the password', async () => {
  const email = 'park@example.com';
  const { access_token: as } = await call(201, 'POST /api/v1/auth/register', { body: { email, password: PASSWORD } });
  await call(202, 'POST /api/v1/auth/verify-email/resend', { as });
  await call(204, 'POST /api/v1/auth/verify-email', { body: { token: await tokenFor(email, 'verify-email') } });
  expect(await call(200, 'GET /api/v1/users/me', { as })).toMatchObject({ is_verified: true });
  expect(await call(202, 'POST /api/v1/auth/password/forgot', { body: { email } })).toEqual({ status: 'accepted' });
  const reset = { token: await tokenFor(email, 'reset-password'), new_password: `${PASSWORD}!` };
  await call(202, 'POST /api/v1/auth/password/reset', { body: reset });
  await call(401, 'POST /api/v1/auth/login', { body: { email, password: PASSWORD } });
  await call(200, 'POST /api/v1/auth/login', { body: { email, password: `${PASSWORD}!` } });
  for (const page of ['verify-email', 'reset-password']) await call(200, `GET /auth/${page}`);
});

test('someone signs in at a provider', () => walkThroughProviders(send, call, { corp, people }));

test('an operator looks at the system, keeps configuration and reads the trail', async () => {
  const as = people.SUPERADMIN.token();
  expect(await call(200, 'GET /api/v1/system/health')).toEqual({ status: 'ok' });
  const connection = await call(200, 'GET /api/v1/system/connection', { as: people.USER.token() });
  expect(connection.mqtt).toMatchObject({ host: '127.0.0.1', port: expect.any(Number), tls_port: null });
  expect(await call(200, 'GET /api/v1/system/info', { as })).toMatchObject({
    roles: expect.arrayContaining(['api', 'ingest']),
    runtime: { node: process.versions.node },
    started_at: expect.stringMatching(INSTANT),
    adapters: { relational: 'SQLite', mqtt: 'Aedes in the process' },
    counts: {
      users: expect.any(Number),
      devices: expect.any(Number),
      device_groups: expect.any(Number),
      alerts_active: 0,
    },
  });

  const body = { value: { text: 'Hanbit' }, description: 'Below every e-mail' };
  const stored = await call(200, 'PUT /api/v1/system/configs/mail.footer', { as, body });
  expect(stored).toMatchObject({ key: 'mail.footer', is_secret: false, ...body });
  expect(await call(200, 'GET /api/v1/system/configs/mail.footer', { as })).toEqual(stored);
  expect((await call(200, 'GET /api/v1/system/configs', { as, query: { q: 'footer' } })).items).toEqual([stored]);
  await call(204, 'DELETE /api/v1/system/configs/mail.footer', { as });
  expect(await call(404, 'GET /api/v1/system/configs/mail.footer', { as })).toMatchObject({ code: 'config_not_found' });

  const query = { resource_type: 'system_config' };
  const trail = await call(200, 'GET /api/v1/system/audit-logs', { as: people.ADMIN.token(), query });
  expect(trail.items.map(({ action }: { action: string }) => action)).toEqual([
    'system_config.deleted',
    'system_config.created',
  ]);
});

test('a rule is made, raises an alert that is acknowledged, and is deleted', () => walkThroughAlerts(call, people));

test('an admin tells everybody something, who sees, reads and deletes it', () =>
  walkThroughNotifications(call, people));

test('documents, keys, probes and metrics are there', async () => {
  await call(302, 'GET /');
  expect((await call(200, 'GET /.well-known/jwks.json')).keys).toMatchObject([{ kty: 'OKP', crv: 'Ed25519' }]);
  expect(await call(200, 'GET /openapi.json')).toMatchObject({ openapi: '3.1.0' });
  expect(await call(200, 'GET /asyncapi.json')).toMatchObject({ asyncapi: '3.0.0' });
  for (const path of ['', '/json', '/yaml']) await call(200, `GET /docs${path}`);
  const files = ['swagger-initializer.js', 'swagger-ui.css', 'theme/core-api.css', 'theme/core-api.svg'];
  for (const file of files) await call(200, `GET /docs/static/${file}`);
  await call(302, 'GET /docs/static/index.html');
  for (const path of ['', '/redoc.standalone.js']) await call(200, `GET /redoc${path}`);
  expect(await call(200, 'GET /metrics')).toContain('core_api_http_request_duration_seconds');
  expect(await call(200, 'GET /livez')).toEqual({ status: 'ok' });
  expect(await call(200, 'GET /readyz')).toMatchObject({ status: 'ok', checks: { sql: 'ok', telemetry: 'ok' } });
});

describe.each(LIFECYCLE)('from the server to a device', (name, walk) => {
  test(name, () => walk(call, people, system));
});

test('a device is analysed', () => walkThroughAnalytics(call, people));

test('an administrator runs a background job and sees that it ran', async () => {
  const as = people.ADMIN.token();
  const { items } = await call(200, 'GET /api/v1/system/jobs', { as });
  expect(items.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['cleanup_expired_tokens', 'check_device_health', 'apply_retention', 'send_email']),
  );
  const accepted = await call(202, 'POST /api/v1/system/jobs/apply_retention/run', { as });
  expect(accepted).toMatchObject({ name: 'apply_retention', queue: 'default' });
  await expect
    .poll(async () => (await call(200, 'GET /api/v1/system/jobs', { as })).queues.default.done)
    .toBeGreaterThanOrEqual(1);
});

test('an administrator signs in to the dashboard of jobs, runs one there and one on demand', async () => {
  expect(await call(200, 'GET /jobs/login')).toContain('Sign in');
  const form = new URLSearchParams({ email: people.ADMIN.email, password: people.ADMIN.password }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
  const signedIn = await send(303, 'POST /jobs/login', { raw: form, headers });
  const cookie = signedIn.headers['set-cookie']?.split(';')[0] ?? '';
  expect(await call(200, 'GET /jobs', { headers: { cookie } })).toContain('Background jobs');
  const { queues } = await call(200, 'GET /jobs/api/queues', { headers: { cookie } });
  expect(queues.map(({ name }: { name: string }) => name)).toContain('devices');
  const by = { cookie, 'sec-fetch-site': 'same-origin' };
  const run = '/jobs/api/queues/devices/job-schedulers/check_device_health/run';
  expect((await call(200, `PUT ${run}`, { headers: by })).job.name).toBe('check_device_health');
  const body = { name: 'cleanup_expired_tokens', data: {}, options: {} };
  expect((await call(200, 'POST /jobs/api/queues/default/add', { headers: by, body })).job.name).toBe(body.name);
  expect(await call(200, 'GET /jobs/run', { headers: { cookie } })).toContain('apply_retention');
  const chosen = new URLSearchParams({ job: 'apply_retention' }).toString();
  await send(303, 'POST /jobs/run', { raw: chosen, headers: { ...headers, cookie } });
  await send(303, 'GET /jobs/logout', { headers: { cookie } });
});

test('the console finds what it asks for', () => walkThroughConsole(call, people));

test('nothing was left out', () => {
  const rows = RULES.map(({ method, path }) => `${method} ${path}`);
  expect(rows.filter((row) => !succeeded.has(row))).toEqual([]);
});
