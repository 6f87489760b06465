import { expect } from 'vitest';
import { createTestPki } from '#test/support/certificates.ts';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about certificates. */
export async function walkThroughCertificates(call: Call, people: People): Promise<void> {
  const as = people.MANAGER.token();
  const pki = createTestPki();
  try {
    const plant = await pki.authority();
    const { code } = await call(201, 'POST /api/v1/provisioning/cas/registration-code', { as });
    const proof = await plant.issue(code);
    const said = { name: 'Plant CA', auto_register: true, device_type: 'walker' };
    const body = { ...said, certificate: plant.certificate, verification_certificate: proof.certificate };
    const authority = await call(201, 'POST /api/v1/provisioning/cas', { as, body });
    expect(authority).toMatchObject({ ...said, is_own: false, created_by: people.MANAGER.id });
    const address = `/api/v1/provisioning/cas/${authority.id}`;
    expect(await call(200, `GET ${address}`, { as })).toEqual(authority);
    expect((await call(200, 'GET /api/v1/provisioning/cas', { as })).items).toEqual([authority]);

    const revocation = { serial: '4F1D', reason: 'stolen' };
    const revoked = await call(201, `POST ${address}/revocations`, { as, body: revocation });
    expect(revoked).toMatchObject({ serial: '4F1D', revoked_reason: 'stolen', device_id: null });
    const query = { serial: '4F1D' };
    expect((await call(200, 'GET /api/v1/provisioning/certificates', { as, query })).items).toEqual([revoked]);
    await call(204, `DELETE ${address}`, { as });

    const device = await people.device();
    const first = pki.request(`/CN=${device.uid}`);
    const order = { headers: device.headers, body: { csr: first.csr } };
    const issued = await call(201, 'POST /api/v1/device/certificate', order);
    const { csr } = pki.request(`/CN=${device.uid}`);
    const renewal = { csr, certificate: issued.certificate, signature: pki.sign(csr, first.key) };
    const renewed = await call(201, 'POST /api/v1/device/certificate/renew', { body: renewal });
    expect(renewed.ca_certificate).toBe(issued.ca_certificate);
    expect(renewed.serial).not.toBe(issued.serial);
  } finally {
    pki.close();
  }
}
