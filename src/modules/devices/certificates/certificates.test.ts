import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createTestPki, type TestAuthority, type TestCertificate, type TestPki } from '#test/support/certificates.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import type { CertificateTables } from './certificates.tables.ts';

const DAY_MS = 86_400_000;
const CAS = '/api/v1/provisioning/cas';
const FROM = { ip: '192.0.2.7' };

let h: DevicesHarness;
let pki: TestPki;
let plant: TestAuthority;
beforeEach(async () => {
  h = await createDevicesHarness();
  pki = createTestPki(h.clock.now());
  plant = await pki.authority();
});
afterEach(async () => {
  pki.close();
  await h.close();
});

const post = (url: string, body?: object) =>
  h.app.request({ method: 'POST', url, as: h.actors.MANAGER, ...(body === undefined ? {} : { body }) });
const code = async () => (await post(`${CAS}/registration-code`)).json().code as string;

async function offer(authority: TestAuthority, proof: string, more: object = {}) {
  return await post(CAS, {
    name: 'Plant CA',
    certificate: authority.certificate,
    verification_certificate: proof,
    ...more,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /provisioning/cas
async function register(more: object = {}, authority = plant): Promise<any> {
  const answer = await offer(authority, (await authority.issue(await code())).certificate, more);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

const derOf = ({ certificate }: TestCertificate) =>
  Buffer.from(certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64');
const logIn = (certificate: TestCertificate, username = '') =>
  h.api.identify({ der: derOf(certificate) }, username, FROM);
const serialOf = ({ certFile }: TestCertificate) =>
  pki.openssl('x509', '-in', certFile, '-noout', '-serial').trim().replace('serial=', '');
const audited = async (action: string) => (await auditedOn(h.sql)).filter((entry) => entry.action === action);
// biome-ignore lint/suspicious/noExplicitAny: the answer of GET /provisioning/certificates
const stored = async (query: Record<string, string> = {}): Promise<any[]> =>
  (await h.app.request({ url: '/api/v1/provisioning/certificates', query, as: h.actors.MANAGER })).json().items;

/** Refused, with this reason to the device and in the audit trail. */
async function expectRefused(answer: unknown, reason: string, deviceUid: string | null) {
  expect(answer).toEqual({ refused: reason, deviceUid });
  const refusals = await audited('certificate.refused');
  expect(refusals.at(-1)).toMatchObject({
    ipAddress: FROM.ip,
    details: { reason, device_uid: deviceUid },
  });
}

describe('an authority', () => {
  test('is registered by whoever has its key, once', async () => {
    const authority = await register();
    expect(authority).toMatchObject({ name: 'Plant CA', auto_register: false, device_type: 'device', is_own: false });
    expect(await audited('ca.registered')).toMatchObject([
      { userId: h.actors.MANAGER.userId, resourceId: String(authority.id), details: { name: 'Plant CA' } },
    ]);
    const again = await offer(plant, (await plant.issue(await code())).certificate);
    expect([again.status, again.json().code]).toEqual([409, 'ca_registered']);
  });

  test('is refused without proof: a code that is used up, foreign, expired, or signed by another', async () => {
    const one = (await plant.issue(await code())).certificate;
    expect((await offer(plant, one)).status).toBe(201);
    const other = await pki.authority();
    const expired = await other.issue(await code());
    h.clock.advance(DAY_MS + 1);
    const proofs = [
      one,
      (await plant.issue(await code())).certificate,
      (await other.issue('guessed')).certificate,
      expired.certificate,
    ];
    for (const proof of proofs) {
      const refused = await offer(other, proof);
      expect([refused.status, refused.json().code]).toEqual([422, 'ca_proof_invalid']);
    }
  });

  test('a code is for one registration, also of two at once', async () => {
    const other = await pki.authority();
    const shared = await code();
    const answers = await Promise.all(
      [plant, other].map(async (each) => await offer(each, (await each.issue(shared)).certificate)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
  });

  test('has to be one, and valid', async () => {
    const device = await plant.issue('pump-1');
    const leaf = await post(CAS, {
      name: 'x',
      certificate: device.certificate,
      verification_certificate: device.certificate,
    });
    expect([leaf.status, leaf.json().code]).toEqual([422, 'ca_invalid']);
    h.clock.advance(4_000 * DAY_MS);
    const late = await offer(plant, device.certificate);
    expect([late.status, late.json().code]).toEqual([422, 'ca_invalid']);
    const text = await post(CAS, { name: 'x', certificate: 'text', verification_certificate: 'text' });
    expect([text.status, text.json().code]).toEqual([422, 'certificate_unreadable']);
  });

  test('is one of 100 at the most', async () => {
    const db = h.sql.db<CertificateTables>();
    for (let made = 0; made < 100; made += 1) {
      const texts = { name: 'CA', certificate: '', subject: '', subject_hash: '', key_hash: '', device_type: 'device' };
      const numbers = { not_after: 0, auto_register: 0, is_own: 0, created_by: null, created_at: 0, updated_at: 0 };
      const row = { ...texts, ...numbers, fingerprint: String(made) };
      await db.insertInto('certificate_authorities').values(row).execute();
    }
    const refused = await offer(plant, (await plant.issue(await code())).certificate);
    expect([refused.status, refused.json().code]).toEqual([409, 'ca_limit_reached']);
  });

  test('is removed: its certificates count no more, connections end, and what was revoked stays revoked', async () => {
    const { id } = await register({ auto_register: true });
    const [one, two] = [await plant.issue('pump-1'), await plant.issue('pump-2')];
    await logIn(one);
    await post(`${CAS}/${id}/revocations`, { serial: serialOf(two) });
    h.events.length = 0;
    expect((await h.app.request({ method: 'DELETE', url: `${CAS}/${id}`, as: h.actors.MANAGER })).status).toBe(204);
    expect(h.events.map(({ type, data }) => [type, data])).toMatchObject([
      ['device.certificate_ended', { device_uid: 'pump-1' }],
    ]);
    await expectRefused(await logIn(one), 'certificate_unknown_ca', null);
    await register({ auto_register: true });
    await expectRefused(await logIn(two), 'certificate_revoked', 'pump-2');
  });
});

describe('a login by certificate', () => {
  test('is of the device that the certificate names, and stored once', async () => {
    await register();
    const device = await h.device({ device_uid: 'pump-1' });
    const certificate = await plant.issue('pump-1');
    expect(await logIn(certificate)).toMatchObject({ deviceId: device.id, deviceUid: 'pump-1' });
    expect(await logIn(certificate, 'pump-1')).toMatchObject({ deviceId: device.id });
    expect(await stored()).toMatchObject([
      { serial: serialOf(certificate), device_id: device.id, device_uid: 'pump-1', revoked_at: null },
    ]);
    expect(await audited('certificate.first_used')).toMatchObject([{ resourceId: String(device.id) }]);
  });

  test('of an unknown device: refused, or it is registered if the authority may do so; once, of many at once', async () => {
    await register();
    await expectRefused(await logIn(await plant.issue('pump-1')), 'certificate_device_unknown', 'pump-1');
    const other = await pki.authority();
    await register({ name: 'Other CA', auto_register: true, device_type: 'pump' }, other);
    const certificate = await other.issue('pump-1');
    const found = await Promise.all(Array.from({ length: 5 }, () => logIn(certificate)));
    expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(found[0]).toMatchObject({ deviceUid: 'pump-1', ownerId: null });
    expect(h.events).toMatchObject([{ type: 'device.created', data: { device_uid: 'pump-1', actor_id: null } }]);
    const [{ deviceType } = { deviceType: '' }] = await h.api.describe([
      (found[0] as { readonly deviceId: number }).deviceId,
    ]);
    expect(deviceType).toBe('pump');
  });

  test('is refused when the certificate is revoked, and the connection that was made with it ends', async () => {
    const { id } = await register({ auto_register: true });
    const certificate = await plant.issue('pump-1');
    await logIn(certificate);
    h.events.length = 0;
    const body = { serial: serialOf(certificate), reason: 'stolen' };
    const revoked = await post(`${CAS}/${id}/revocations`, body);
    expect(revoked.json()).toMatchObject({ device_uid: 'pump-1', revoked_reason: 'stolen' });
    expect(h.events).toMatchObject([
      { type: 'device.certificate_ended', data: { device_uid: 'pump-1', fingerprint: revoked.json().fingerprint } },
    ]);
    const again = { serial: `00${body.serial.toLowerCase()}`, reason: 'again' };
    expect((await post(`${CAS}/${id}/revocations`, again)).json()).toEqual(revoked.json());
    await expectRefused(await logIn(certificate), 'certificate_revoked', 'pump-1');
    expect(await audited('certificate.revoked')).toMatchObject([{ details: { reason: 'stolen' } }]);
    expect(await logIn(await plant.issue('pump-1'))).toMatchObject({ deviceUid: 'pump-1' });
  });

  test('is refused before and after its time, and after that of its authority', async () => {
    await register({ auto_register: true });
    const now = h.clock.now();
    const early = await plant.issue('pump-1', { notBefore: now + DAY_MS, notAfter: now + 2 * DAY_MS });
    const long = await plant.issue('pump-1', { notAfter: now + 9_000 * DAY_MS });
    await expectRefused(await logIn(early), 'certificate_not_yet_valid', 'pump-1');
    h.clock.advance(DAY_MS);
    expect(await logIn(early)).toMatchObject({ deviceUid: 'pump-1' });
    h.clock.advance(DAY_MS + 1_000);
    await expectRefused(await logIn(early), 'certificate_expired', 'pump-1');
    h.clock.advance(4_000 * DAY_MS);
    await expectRefused(await logIn(long), 'certificate_expired', 'pump-1');
  });

  test('is refused when nobody knows who issued it, whatever it says', async () => {
    await register({ auto_register: true });
    await h.device({ device_uid: 'pump-1' });
    const stranger = await pki.authority();
    await expectRefused(await logIn(await stranger.issue('pump-1')), 'certificate_unknown_ca', null);
    await expectRefused(await logIn(await stranger.issue('pump-1'), 'pump-1'), 'certificate_unknown_ca', null);
    await expectRefused(await h.api.identify({ der: Buffer.from('x') }, '', FROM), 'certificate_unreadable', null);
  });

  test('is refused when it is for another device, none, or an authority', async () => {
    await register({ auto_register: true });
    await h.device({ device_uid: 'pump-2' });
    await expectRefused(await logIn(await plant.issue('pump-1'), 'pump-2'), 'certificate_uid_mismatch', null);
    await expectRefused(await logIn(await plant.issue('Pump 1')), 'certificate_uid_mismatch', null);
    await expectRefused(await logIn(plant), 'certificate_not_for_clients', null);
  });

  test('is refused once its device is deleted: neither it nor another of its authority brings it back', async () => {
    await register({ auto_register: true });
    const [one, two] = [await plant.issue('pump-1'), await plant.issue('pump-1')];
    const { deviceId } = (await logIn(one)) as { readonly deviceId: number };
    await h.app.request({ method: 'DELETE', url: `/api/v1/devices/${deviceId}`, as: h.actors.ADMIN });
    await expectRefused(await logIn(one), 'certificate_device_deleted', 'pump-1');
    await expectRefused(await logIn(two), 'certificate_device_deleted', 'pump-1');
    // Another device under the same uid: what the former one had is not its.
    await h.device({ device_uid: 'pump-1' });
    await expectRefused(await logIn(one), 'certificate_device_deleted', 'pump-1');
    expect(await logIn(two)).toMatchObject({ deviceUid: 'pump-1' });
  });
});

test('a certificate that ends within 30 days is told of once; not one that has a successor in use', async () => {
  await register({ auto_register: true });
  const now = h.clock.now();
  const job = h.jobs.find(({ name }) => name === 'warn_of_certificates');
  const warn = async () => await job?.run({}, { signal: AbortSignal.timeout(5_000) } as never);
  const ending = async () => (await h.gauges[0]?.read())?.[0]?.value;
  const soon = await plant.issue('pump-1', { notAfter: now + 31 * DAY_MS });
  await logIn(soon);
  await logIn(await plant.issue('pump-2', { notAfter: now + 29 * DAY_MS }));
  await logIn(await plant.issue('pump-2'));
  h.events.length = 0;
  expect([await warn(), await ending()]).toEqual([{ warned: 0, ended: 0, forgotten: 0 }, 0]);
  h.clock.advance(2 * DAY_MS);
  expect([await warn(), await ending()]).toEqual([{ warned: 1, ended: 0, forgotten: 0 }, 1]);
  expect(h.events).toMatchObject([
    { type: 'device.certificate_ending', data: { device_uid: 'pump-1', serial: serialOf(soon) } },
  ]);
  expect(await audited('certificate.ending')).toMatchObject([{ details: { device_uid: 'pump-1' } }]);
  expect(await warn()).toEqual({ warned: 0, ended: 0, forgotten: 0 });
  // At its end, the connection that it was used for ends as well.
  h.clock.advance(29 * DAY_MS + 60_000);
  h.events.length = 0;
  expect(await warn()).toEqual({ warned: 0, ended: 1, forgotten: 0 });
  expect(h.events).toMatchObject([{ type: 'device.certificate_ended', data: { device_uid: 'pump-1' } }]);
  h.clock.advance(130 * DAY_MS);
  expect(await warn()).toEqual({ warned: 0, ended: 0, forgotten: 2 });
  expect(await ending()).toBe(0);
});
