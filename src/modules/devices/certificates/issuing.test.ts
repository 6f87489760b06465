import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import { createTestPki, type TestPki } from '#test/support/certificates.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

const DAY_MS = 86_400_000;
const PATH = '/api/v1/device/certificate';
const FROM = { ip: '192.0.2.7' };

interface Request {
  readonly csr: string;
  readonly key: string;
}
interface Issued {
  readonly certificate: string;
  readonly ca_certificate: string;
  readonly serial: string;
}

let h: DevicesHarness;
let pki: TestPki;
let headers: { readonly authorization: string };
let deviceId: number;
beforeEach(async () => {
  h = await createDevicesHarness();
  pki = createTestPki(h.clock.now());
  const device = await h.device({ device_uid: 'pump-1' });
  deviceId = device.id;
  headers = {
    authorization: `Basic ${Buffer.from(`pump-1:${device.credentials.password}`).toString('base64')}`,
  };
});
afterEach(async () => {
  pki.close();
  await h.close();
});

const request = (subject = '/CN=pump-1'): Request => pki.request(subject);
const ask = (csr: string) => h.app.request({ method: 'POST', url: PATH, headers, body: { csr } });

async function issued(request: Request): Promise<Issued> {
  const answer = await ask(request.csr);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

function renew(csr: string, { certificate }: Pick<Issued, 'certificate'>, key: string, signed = csr) {
  const signature = pki.sign(signed, key);
  return h.app.request({ method: 'POST', url: `${PATH}/renew`, body: { csr, certificate, signature } });
}

const logIn = ({ certificate }: Pick<Issued, 'certificate'>) =>
  h.api.identify({ der: Buffer.from(certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64') }, '', FROM);
const audited = async (action: string) => (await auditedOn(h.sql)).filter((entry) => entry.action === action);

describe('the installation as an authority', () => {
  test('issues a certificate with which the device logs in; one authority, also of many first requests', async () => {
    const all = await Promise.all([request(), request(), request()].map((each) => issued(each)));
    expect(new Set(all.map(({ ca_certificate }) => ca_certificate)).size).toBe(1);
    const cas = await h.app.request({ url: '/api/v1/provisioning/cas', as: h.actors.MANAGER });
    expect(cas.json().items).toMatchObject([{ is_own: true, certificate: all[0]?.ca_certificate }]);
    const one = await issued(request());
    expect(await logIn(one)).toMatchObject({ deviceId, deviceUid: 'pump-1' });
    expect((await audited('certificate.issued')).at(-1)).toMatchObject({
      resourceId: String(deviceId),
      details: { serial: one.serial },
    });
    const removed = await h.app.request({
      method: 'DELETE',
      url: `/api/v1/provisioning/cas/${cas.json().items[0].id}`,
      as: h.actors.MANAGER,
    });
    expect([removed.status, removed.json().code]).toEqual([409, 'ca_is_own']);
  });

  test('keeps old and new valid together until the new one was used, and ends the connection of the old one', async () => {
    const [first, second] = [request(), request()];
    const old = await issued(first);
    await logIn(old);
    const next = await issued(second);
    expect(await logIn(old)).toMatchObject({ deviceUid: 'pump-1' });
    h.events.length = 0;
    expect(await logIn(next)).toMatchObject({ deviceUid: 'pump-1' });
    expect(h.events).toMatchObject([{ type: 'device.certificate_ended', data: { device_uid: 'pump-1' } }]);
    expect(await logIn(old)).toMatchObject({ refused: 'certificate_revoked' });
    expect(await logIn(next)).toMatchObject({ deviceUid: 'pump-1' });
  });

  test('answers a request that is sent again with the same certificate, until that was used', async () => {
    const one = request();
    const [first, again] = [await issued(one), await issued({ ...one, csr: one.csr.replaceAll('\n', '\r\n') })];
    expect(again).toEqual(first);
    await logIn(first);
    expect((await issued(one)).serial).not.toBe(first.serial);
  });

  test('issues 10 a day', async () => {
    for (let made = 0; made < 10; made += 1) await issued(request());
    const refused = await ask(request().csr);
    expect([refused.status, refused.json().code]).toEqual([429, 'certificate_limit_reached']);
    h.clock.advance(DAY_MS);
    await issued(request());
  });

  test('refuses a request that is bad, or for another device', async () => {
    const other = await ask(request('/CN=pump-2').csr);
    expect([other.status, other.json().code]).toEqual([422, 'csr_name_refused']);
    const text = await ask('text');
    expect([text.status, text.json().code]).toEqual([422, 'csr_unreadable']);
    expect((await ask(request('/O=Plant').csr)).status).toBe(201);
    const nobody = await h.app.request({ method: 'POST', url: PATH, body: { csr: request().csr } });
    expect(nobody.status).toBe(401);
  });
});

describe('a renewal over the old certificate', () => {
  test('gets a new one for whoever has its key', async () => {
    const [one, two] = [request(), request()];
    const old = await issued(one);
    const answer = await renew(two.csr, old, one.key);
    expect(answer.status, answer.text).toBe(201);
    expect(await logIn(answer.json())).toMatchObject({ deviceId });
    // What was seen on the way is of no use once the device has the new one.
    const replayed = await renew(two.csr, old, one.key);
    expect([replayed.status, replayed.json().code]).toEqual([403, 'certificate_revoked']);
  });

  test.each([
    ['with another key', (_one: Request, two: Request) => [two.csr, two.key, two.csr] as const],
    ['of another request', (one: Request, two: Request) => [two.csr, one.key, one.csr] as const],
  ])('is refused when it is signed %s, with an entry in the audit trail', async (_what, of) => {
    const one = request();
    const old = await issued(one);
    const [csr, key, signed] = of(one, request());
    const refused = await renew(csr, old, key, signed);
    expect([refused.status, refused.json().code]).toEqual([403, 'certificate_proof_invalid']);
    expect(await audited('certificate.refused')).toMatchObject([{ details: { reason: 'certificate_proof_invalid' } }]);
  });

  test('is of no use to a thief: what was issued and not used yet goes with the certificate that is revoked', async () => {
    const one = request();
    const stolen = await issued(one);
    await logIn(stolen);
    const next = (await renew(request().csr, stolen, one.key)).json();
    const cas = await h.app.request({ url: '/api/v1/provisioning/cas', as: h.actors.MANAGER });
    const url = `/api/v1/provisioning/cas/${cas.json().items[0].id}/revocations`;
    await h.app.request({ method: 'POST', url, as: h.actors.MANAGER, body: { serial: stolen.serial } });
    expect(await logIn(next)).toMatchObject({ refused: 'certificate_revoked' });
    expect(await logIn(await issued(request()))).toMatchObject({ deviceUid: 'pump-1' });
  });

  test('is refused when the old one is expired, or of an unknown authority', async () => {
    const one = request();
    const old = await issued(one);
    const stranger = await (await pki.authority()).issue('pump-1');
    const foreign = await renew(request().csr, stranger, stranger.key);
    expect([foreign.status, foreign.json().code]).toEqual([403, 'certificate_unknown_ca']);
    h.clock.advance(366 * DAY_MS);
    const late = await renew(request().csr, old, one.key);
    expect([late.status, late.json().code]).toEqual([403, 'certificate_expired']);
  });
});
