import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import type { TestApp } from '#test/support/http.ts';
import { matchesPattern } from './claims.rules.ts';

let h: DevicesHarness;
let app: TestApp;
beforeAll(async () => {
  h = await createDevicesHarness();
  app = h.app;
});
afterAll(() => h.close());

const ASKED = Buffer.from(JSON.stringify({ device_uid: 'another' }));

let made = 0;
const unique = (word: string) => `${word}-${++made}`;
const as = () => h.actors.MANAGER;

async function claim(body: object = {}) {
  const expires_at = new Date(h.clock.now() + 3_600_000).toISOString();
  const all = { name: unique('Batch'), device_type: 'sensor', max_devices: 10, expires_at, ...body };
  const answer = await app.request({ method: 'POST', url: '/api/v1/provisioning/claims', as: as(), body: all });
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

function provision(body: object, headers: Readonly<Record<string, string>> = {}) {
  return app.request({ method: 'POST', url: '/api/v1/provision', body, headers });
}

async function refusal(body: object, headers = {}) {
  h.clock.advance(60_000);
  const answer = await provision(body, headers);
  const entry = (await auditedOn(h.sql)).findLast(({ action }) => action === 'claim.refused');
  return [answer.status, answer.json().code, entry?.details['reason']];
}

const attemptsOf = async (id: number) =>
  (await app.request({ url: `/api/v1/provisioning/claims/${id}/attempts`, as: as() })).json().items;

const shownOf = async (id: number) =>
  (await app.request({ url: `/api/v1/provisioning/claims/${id}`, as: as() })).json();

describe('a claim', () => {
  test('makes a device that can log in, of its type, in its group, of its owner', async () => {
    const owner_id = h.actors.USER.userId;
    const { id, token } = await claim({ owner_id });
    const device_uid = unique('device');
    const answer = await provision({ token, device_uid, metadata: { line: 3 } });
    expect(answer.status, answer.text).toBe(201);
    const { username, password, mqtt } = answer.json();
    expect(username).toBe(device_uid);
    expect(mqtt).toMatchObject({ host: 'mqtt.example.com', port: 1883, tls: false });
    expect(mqtt.subscribe).toContain(`devices/${device_uid}/command`);
    expect(await h.api.authenticate(device_uid, password)).toMatchObject({ deviceUid: device_uid });
    const { items } = (await app.request({ url: '/api/v1/devices', as: as(), query: { q: device_uid } })).json();
    expect(items).toMatchObject([{ device_type: 'sensor', owner_id, metadata: { line: 3 } }]);
    expect(await attemptsOf(id)).toMatchObject([{ device_uid, step: 'done', error: null }]);
    const shown = (await app.request({ url: `/api/v1/provisioning/claims/${id}`, as: as() })).json();
    expect([shown.used, shown.token]).toEqual([1, undefined]);
  });

  test('never makes more devices than it may, however many ask at once', async () => {
    const { id, token } = await claim({ max_devices: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => provision({ token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 403, 403, 403, 403, 403]);
    // Three devices, and those that got none.
    expect(new Set(answers.map((answer) => answer.json().device_uid)).size).toBe(4);
    expect(await refusal({ token })).toEqual([403, 'claim_used_up', 'claim_used_up']);
    expect((await attemptsOf(id))[0]).toMatchObject({ step: 'claim', error: 'claim_used_up' });
  });

  test('refuses what it is not for, with the reason to the device and in the audit trail', async () => {
    const { id, token } = await claim({ uid_pattern: 'green-*', max_devices: 1 });
    expect(await refusal({ token })).toEqual([422, 'claim_uid_required', 'claim_uid_required']);
    expect(await refusal({ token, device_uid: 'red-1' })).toEqual([403, 'claim_uid_refused', 'claim_uid_refused']);
    const taken = unique('green');
    await h.device({ device_uid: taken });
    // Never taken over, and its place is not used up.
    expect(await refusal({ token, device_uid: taken })).toEqual([409, 'device_uid_taken', 'device_uid_taken']);
    expect((await provision({ token, device_uid: unique('green') })).status).toBe(201);
    expect(await refusal({ token: 'made up' })).toEqual([401, 'claim_token_invalid', 'claim_token_invalid']);
    expect((await attemptsOf(id)).map(({ step, error }: { step: string; error: string }) => [step, error])).toEqual([
      ['done', null],
      ['device', 'device_uid_taken'],
      ['claim', 'claim_uid_refused'],
      ['claim', 'claim_uid_required'],
    ]);
    const listed = await claim({ uids: ['a-1', 'a-2'] });
    expect(await refusal({ token: listed.token, device_uid: 'a-3' })).toEqual([
      403,
      'claim_uid_refused',
      'claim_uid_refused',
    ]);
  });

  test('ends with its time, or when it is revoked; what it has made stays', async () => {
    const { id, token } = await claim();
    const { device_uid, password } = (await provision({ token })).json();
    await app.request({ method: 'POST', url: `/api/v1/provisioning/claims/${id}/revoke`, as: as() });
    expect(await refusal({ token })).toEqual([403, 'claim_revoked', 'claim_revoked']);
    expect(await h.api.authenticate(device_uid, password)).not.toBeNull();
    const short = await claim({ expires_at: new Date(h.clock.now() + 1_000).toISOString() });
    h.clock.advance(1_000);
    expect(await refusal({ token: short.token })).toEqual([403, 'claim_expired', 'claim_expired']);
  });

  test('answers a repeated request with the same device within an hour', async () => {
    const { id, token } = await claim({ max_devices: 2 });
    const headers = { 'idempotency-key': 'serial-4711' };
    const first = (await provision({ token }, headers)).json();
    expect((await provision({ token }, headers)).json()).toEqual(first);
    expect(await h.api.authenticate(first.username, first.password)).not.toBeNull();
    expect((await provision({ token, name: 'Other' }, headers)).json().code).toBe('claim_key_reused');
    // What others try does not push it out.
    const { used } = await shownOf(id);
    expect(used).toBe(1);
    h.clock.advance(3_600_000 - 1);
    expect((await provision({ token }, headers)).json()).toEqual(first);
    h.clock.advance(2);
    const later = (await provision({ token }, headers)).json();
    expect(later.device_uid).not.toBe(first.device_uid);
  });

  test('makes one device of the same request at the same time, of a name of its own and of one that it names', async () => {
    h.clock.advance(60_000);
    for (const device_uid of [undefined, unique('twin')]) {
      const { id, token } = await claim();
      const headers = { 'idempotency-key': unique('key') };
      const answers = await Promise.all([1, 2, 3, 4].map(() => provision({ token, device_uid }, headers)));
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect((await shownOf(id)).used).toBe(1);
    }
  });

  test('answers no repeated request once the claim is revoked, the device deleted or its secret replaced', async () => {
    h.clock.advance(60_000);
    const { id, token } = await claim();
    const repeated = async (key: string) => (await provision({ token }, { 'idempotency-key': key })).json();
    const uids: string[] = [];
    for (const key of ['deleted', 'rotated', 'revoked']) uids.push((await repeated(key)).device_uid);
    const [deleted, rotated] = await Promise.all(uids.slice(0, 2).map(async (uid) => await h.api.findByUid(uid)));
    const as = h.actors.ADMIN;
    await app.request({ method: 'DELETE', url: `/api/v1/devices/${deleted?.deviceId}`, as });
    // Somebody else's by now.
    await h.device({ device_uid: uids[0] });
    await app.request({ method: 'POST', url: `/api/v1/devices/${rotated?.deviceId}/credentials`, as });
    expect((await repeated('deleted')).code).toBe('claim_device_gone');
    expect((await repeated('rotated')).code).toBe('claim_device_gone');
    await app.request({ method: 'POST', url: `/api/v1/provisioning/claims/${id}/revoke`, as });
    expect((await repeated('revoked')).code).toBe('claim_revoked');
  });

  test('with a certificate request it gets a certificate too, the same when it asks again', async () => {
    h.clock.advance(60_000);
    const { token } = await claim();
    const device_uid = unique('certified');
    const csr = requestFor(device_uid);
    const headers = { 'idempotency-key': 'csr-1' };
    const first = (await provision({ token, device_uid, csr }, headers)).json();
    expect(first.certificate.certificate).toContain('BEGIN CERTIFICATE');
    expect(new X509Certificate(first.certificate.certificate).subject).toContain(device_uid);
    expect(first.mqtt).toMatchObject({ port: 8883, tls: true });
    expect((await provision({ token, device_uid, csr }, headers)).json()).toEqual(first);
    // Of another name, none is made, nor a device.
    const other = unique('other');
    const answer = await provision({ token, device_uid: other, csr });
    expect([answer.status, answer.json().code]).toEqual([422, 'csr_name_refused']);
    expect(await h.api.findByUid(other)).toBeNull();
  });

  test('one address may try 60 times a minute', async () => {
    h.clock.advance(60_000);
    const answers = [];
    for (let index = 0; index < 61; index++) answers.push((await provision({ token: 'guess' })).status);
    expect([answers[59], answers[60]]).toEqual([401, 429]);
    h.clock.advance(60_000);
    expect((await provision({ token: 'guess' })).status).toBe(401);
  });

  test('one claim takes 600 tries a minute from wherever; the first that is over it is noted', async () => {
    h.clock.advance(60_000);
    const { id, token } = await claim({ uids: ['only-this'] });
    const tries = (count: number, address: number) =>
      Promise.all(Array.from({ length: count }, () => h.api.provision(token, ASKED, { ip: `192.0.2.${address}` })));
    const answers = [];
    for (let address = 0; address < 10; address++) answers.push(...(await tries(60, address)));
    expect(new Set(answers.map((answer) => JSON.parse(answer).code))).toEqual(new Set(['claim_uid_refused']));
    const refused = (await tries(3, 11)).map((answer) => JSON.parse(answer));
    expect(refused).toMatchObject(Array(3).fill({ ok: false, code: 'rate_limited', retry_after_seconds: 60 }));
    const { items, total } = (
      await app.request({ url: `/api/v1/provisioning/claims/${id}/attempts`, as: as(), query: { q: 'rate_limited' } })
    ).json();
    expect([total, items[0].ip_address]).toEqual([1, '192.0.2.11']);
    h.clock.advance(60_000);
    expect(JSON.parse((await tries(1, 11))[0] ?? '').code).toBe('claim_uid_refused');
  });

  test('keeps the last 1,000 attempts', async () => {
    const { id, token } = await claim({ uids: ['only-this'] });
    for (let minute = 0; minute < 18; minute++) {
      h.clock.advance(60_000);
      await Promise.all(Array.from({ length: 59 }, () => h.api.provision(token, ASKED, { ip: '198.51.100.1' })));
    }
    const url = `/api/v1/provisioning/claims/${id}/attempts`;
    expect((await app.request({ url, as: as() })).json().total).toBe(1_000);
  });

  test('one that cannot be is refused with what is accepted', async () => {
    const body = { name: 'x', device_type: 'sensor', max_devices: 1, expires_at: '2100-01-01T00:00:00Z' };
    for (const [more, path] of [
      [{ expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
      [{ group_id: 999_999 }, '/group_id'],
      [{ owner_id: 999_999 }, '/owner_id'],
      [{ uid_pattern: 'a*', uids: ['a'] }, '/uids'],
      [{ uid_pattern: 'a/b' }, '/uid_pattern'],
    ] as const) {
      const answer = await app.request({
        method: 'POST',
        url: '/api/v1/provisioning/claims',
        as: as(),
        body: { ...body, ...more },
      });
      expect([answer.status, answer.json().errors[0].path]).toEqual([422, path]);
    }
  });
});

function requestFor(name: string): string {
  const folder = temporaryFolder();
  const file = (of: string) => join(folder.path, of);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key.pem')];
  execFileSync('openssl', ['req', '-new', ...key, '-subj', `/CN=${name}`, '-out', file('request.pem')], {
    stdio: 'pipe',
  });
  const request = readFileSync(file('request.pem'), 'utf8');
  folder.remove();
  return request;
}

test('a pattern with stars says the same as the expression that it stands for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (given, stars) => {
      expect(matchesPattern(given, stars)).toBe(new RegExp(`^${stars.replaceAll('*', '.*')}$`).test(given));
    }),
  );
});
