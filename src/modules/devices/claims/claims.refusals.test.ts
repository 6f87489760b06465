import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

/* What a claim refuses, over HTTP and over MQTT: the device, the operator and the audit trail are told the same reason. */

interface Answer {
  readonly isDone: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: answers have every shape
  readonly body: any;
}

const FROM = { ip: '192.0.2.17' };
let h: DevicesHarness;
beforeAll(async () => {
  h = await createDevicesHarness();
});
afterAll(() => h.close());

const CHANNELS = {
  async HTTP(token: string, body: object): Promise<Answer> {
    const answer = await h.app.request({ method: 'POST', url: '/api/v1/provision', body: { token, ...body } });
    return { isDone: answer.status === 201, body: answer.json() };
  },
  async MQTT(token: string, body: object): Promise<Answer> {
    const answer = JSON.parse(await h.api.provision(token, Buffer.from(JSON.stringify(body)), FROM));
    return { isDone: answer.ok, body: answer };
  },
};

let made = 0;
async function claim(body: object = {}): Promise<{ readonly id: number; readonly token: string }> {
  made += 1;
  const expires_at = new Date(h.clock.now() + 60_000).toISOString();
  const all = { name: `Batch ${made}`, device_type: 'sensor', max_devices: 5, expires_at, ...body };
  const as = h.actors.MANAGER;
  const answer = await h.app.request({ method: 'POST', url: '/api/v1/provisioning/claims', as, body: all });
  return answer.json();
}

async function revoked(): Promise<{ readonly id: number; readonly token: string }> {
  const one = await claim();
  const url = `/api/v1/provisioning/claims/${one.id}/revoke`;
  await h.app.request({ method: 'POST', url, as: h.actors.MANAGER });
  return one;
}

async function taken(): Promise<{ readonly id: number; readonly token: string }> {
  await h.device({ device_uid: `taken-${made}` });
  return await claim();
}

async function attemptsOf(id: number) {
  const url = `/api/v1/provisioning/claims/${id}/attempts`;
  return (await h.app.request({ url, as: h.actors.MANAGER })).json().items;
}

const asked = (body: object = {}) => ({ device_uid: `device-${made}`, ...body });

describe.each(['HTTP', 'MQTT'] as const)('over %s', (channel) => {
  const ask = CHANNELS[channel];

  test.each([
    ['a claim that is revoked', 'claim_revoked', 'claim', revoked, () => asked()],
    ['a claim for another type', 'claim_type_refused', 'claim', claim, () => asked({ device_type: 'pump' })],
    ['a claim for uids like others', 'claim_uid_refused', 'claim', () => claim({ uid_pattern: 'x-*' }), () => asked()],
    ['a claim for other uids', 'claim_uid_refused', 'claim', () => claim({ uids: ['x'] }), () => asked()],
    ['a claim for certain uids, and none', 'claim_uid_required', 'claim', () => claim({ uids: ['x'] }), () => ({})],
    ['a uid that exists', 'device_uid_taken', 'device', taken, () => ({ device_uid: `taken-${made - 1}` })],
  ] as const)('%s: %s', async (_what, code, step, create, body) => {
    h.clock.advance(60_000);
    const { id, token } = await create();
    const wanted: { readonly device_uid?: string } = body();
    const { isDone, body: answer } = await ask(token, wanted);
    expect([isDone, answer.code, answer.detail]).toEqual([false, code, expect.stringMatching(/\.$/)]);
    const device_uid = wanted.device_uid ?? null;
    expect(await attemptsOf(id)).toMatchObject([{ step, error: code, device_uid }]);
    expect((await auditedOn(h.sql)).at(-1)).toMatchObject({
      action: 'claim.refused',
      resourceId: String(id),
      details: { reason: code, device_uid },
    });
    expect(h.attempts.at(-1)).toBe(code);
    const { items } = (
      await h.app.request({ url: '/api/v1/devices', as: h.actors.ADMIN, query: { size: 100 } })
    ).json();
    expect(items.some((each: { device_uid: string }) => each.device_uid === `device-${made}`)).toBe(false);
  });

  test('a claim that is used up, or has expired', async () => {
    h.clock.advance(60_000);
    const { id, token } = await claim({ max_devices: 1 });
    expect((await ask(token, asked())).isDone).toBe(true);
    expect(h.attempts.at(-1)).toBe('done');
    expect((await ask(token, asked())).body.code).toBe('claim_used_up');
    h.clock.advance(60_000);
    expect((await ask(token, asked())).body.code).toBe('claim_expired');
    const errors = (await attemptsOf(id)).map(({ error }: { error: string }) => error);
    expect(errors).toEqual(['claim_expired', 'claim_used_up', null]);
    const reasons = (await auditedOn(h.sql)).slice(-2).map(({ details }) => details['reason']);
    expect(reasons).toEqual(['claim_used_up', 'claim_expired']);
  });

  test('what is not a request, by field', async () => {
    const { token } = await claim();
    const { body } = await ask(token, { device_uid: '/', nonsense: 1 });
    expect(body.code).toBe('invalid_input');
    expect(body.errors.map(({ path }: { path: string }) => path).sort()).toEqual(['/device_uid', '/nonsense']);
  });
});

describe('over MQTT alone', () => {
  test('the answer has the request_id, also of a request that is not accepted; the key makes it repeatable', async () => {
    h.clock.advance(60_000);
    const { id, token } = await claim();
    const message = { request_id: '7', idempotency_key: 'serial-1' };
    const first = (await CHANNELS.MQTT(token, message)).body;
    expect(first).toMatchObject({ ok: true, request_id: '7', mqtt: { host: 'mqtt.example.com', port: 1883 } });
    expect(await h.api.authenticate(first.username, first.password)).toMatchObject({ deviceUid: first.device_uid });
    expect((await CHANNELS.MQTT(token, { ...message, request_id: '8' })).body).toEqual({ ...first, request_id: '8' });
    expect((await CHANNELS.MQTT(token, { request_id: '9', token })).body).toMatchObject({ ok: false, request_id: '9' });
    expect((await attemptsOf(id)).length).toBe(1);
  });

  test.each([
    ['no JSON', Buffer.from('{'), 'malformed_json'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'malformed_json'],
    ['no object', Buffer.from('null'), 'invalid_input'],
    ['too deep', Buffer.from(`{"metadata":${'['.repeat(70)}${']'.repeat(70)}}`), 'invalid_input'],
    ['half a surrogate pair', Buffer.from('{"name":"\\ud800"}'), 'invalid_input'],
    ['too large', null, 'body_too_large'],
  ])('%s', async (_what, payload, code) => {
    const { token } = await claim();
    expect(JSON.parse(await h.api.provision(token, payload, FROM))).toMatchObject({ ok: false, code });
  });

  test('a login with a token of no claim is refused, in the audit trail, and counted by its address', async () => {
    h.clock.advance(60_000);
    const { id, token } = await claim();
    expect(await h.api.findClaim(token, FROM)).toEqual({ claimId: id });
    const from = { ip: '203.0.113.1' };
    for (let index = 0; index < 60; index++) await h.api.findClaim('guess', from);
    expect((await auditedOn(h.sql)).at(-1)).toMatchObject({
      ipAddress: '203.0.113.1',
      details: { reason: 'claim_token_invalid' },
    });
    expect(await h.api.findClaim('guess', from)).toEqual({ refused: 'rate_limited' });
    expect(await h.api.findClaim('guess', FROM)).toEqual({ refused: 'claim_token_invalid' });
  });

  test('a claim that is revoked lets in, so that the device is told why', async () => {
    const { id, token } = await revoked();
    expect(await h.api.findClaim(token, FROM)).toEqual({ claimId: id });
  });
});
