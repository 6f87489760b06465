import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import type { Certificate, X509 } from './x509.port.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26);
const VALIDITY = { notBefore: NOW, notAfter: NOW + 365 * DAY_MS };

/** Against OpenSSL: what it makes is read, and what is made here it accepts. */
export function x509Contract(create: () => X509): void {
  describe('x509', () => {
    const x509 = create();
    const folder = temporaryFolder();
    const file = (name: string) => join(folder.path, name);
    const text = (name: string) => readFileSync(file(name), 'utf8');
    const openssl = (...args: readonly string[]) =>
      execFileSync('openssl', [...args], { cwd: folder.path, encoding: 'utf8', stdio: 'pipe' });
    let authority: Awaited<ReturnType<X509['createAuthority']>>;
    let ca: Certificate;

    function request(subject: string, key: readonly string[] = EC, ...more: readonly string[]): string {
      openssl(
        'req',
        '-new',
        '-newkey',
        ...key,
        '-nodes',
        '-keyout',
        'r.key',
        '-out',
        'r.csr',
        '-subj',
        subject,
        ...more,
      );
      return text('r.csr');
    }

    beforeAll(async () => {
      authority = await x509.createAuthority({ notBefore: NOW, notAfter: NOW + 7_300 * DAY_MS });
      ca = x509.readCertificate(authority.certificate);
      writeFileSync(file('ca.pem'), authority.certificate);
    });
    afterAll(() => folder.remove());

    test('an authority is one, by itself', () => {
      expect(ca).toMatchObject({ isAuthority: true, notBefore: NOW, notAfter: NOW + 7_300 * DAY_MS });
      expect(ca.issuer).toBe(ca.subject);
      expect(x509.isIssuedBy(ca, ca)).toBe(true);
      expect(openssl('x509', '-in', 'ca.pem', '-noout', '-ext', 'basicConstraints,keyUsage')).toMatch(
        /critical\s+CA:TRUE, pathlen:0[\s\S]*Certificate Sign, CRL Sign/,
      );
    });

    test.each([
      ['ECDSA P-256', EC],
      ['ECDSA P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
      ['Ed25519', ['ed25519']],
      ['RSA 2048', ['rsa:2048']],
    ])('issues for a request with a key of %s what OpenSSL verifies', async (_name, key) => {
      const pem = request('/CN=greenhouse-07', key);
      const certificate = await x509.issue({ request: pem, name: 'greenhouse-07', authority, ...VALIDITY });
      expect(certificate).toMatchObject({
        ...VALIDITY,
        subject: 'CN=greenhouse-07',
        issuer: ca.subject,
        names: ['greenhouse-07', 'greenhouse-07'],
        isAuthority: false,
        isForClients: true,
      });
      expect(x509.isIssuedBy(certificate, ca)).toBe(true);
      writeFileSync(file('device.pem'), certificate.pem);
      const at = String(NOW / 1000 + 60);
      expect(
        openssl('verify', '-attime', at, '-purpose', 'sslclient', '-x509_strict', '-CAfile', 'ca.pem', 'device.pem'),
      ).toMatch(/OK/);
      expect(openssl('x509', '-in', 'device.pem', '-noout', '-serial').trim()).toBe(`serial=${certificate.serial}`);
      const shown = openssl('x509', '-in', 'device.pem', '-noout', '-fingerprint', '-sha256').trim();
      expect(shown.split('=')[1]?.replaceAll(':', '').toLowerCase()).toBe(certificate.fingerprint);
      expect(openssl('x509', '-in', 'device.pem', '-noout', '-pubkey')).toBe(
        openssl('pkey', '-in', 'r.key', '-pubout'),
      );
    });

    test('no two serials are the same, and a name that the request asks for is not granted', async () => {
      const pem = request('/CN=other/O=Plant', EC, '-addext', 'subjectAltName=DNS:other', '-addext', CA_TRUE);
      const order = { request: pem, name: 'greenhouse-07', authority, ...VALIDITY };
      const [one, two] = [await x509.issue(order), await x509.issue(order)];
      expect(one.serial).not.toBe(two.serial);
      expect(one).toMatchObject({ subject: 'CN=greenhouse-07', names: ['greenhouse-07', 'greenhouse-07'] });
      expect(one.isAuthority).toBe(false);
    });

    test('reads who a request is for', async () => {
      expect(await x509.readRequest(request('/CN=greenhouse-07/O=Plant'))).toEqual({
        subject: 'CN=greenhouse-07, O=Plant',
        names: ['greenhouse-07'],
      });
      const names = 'subjectAltName=DNS:a,IP:192.0.2.1,URI:urn:b';
      expect((await x509.readRequest(request('/O=Plant', EC, '-addext', names))).names).toEqual([
        'a',
        '192.0.2.1',
        'urn:b',
      ]);
    });

    test('a request whose signature is wrong is refused, whatever was changed in it', async () => {
      const der = Buffer.from(request('/CN=greenhouse-07').replaceAll(/-----.*-----|\s/g, ''), 'base64');
      const at = der.indexOf('greenhouse-07');
      expect(at).toBeGreaterThan(0);
      der.write('greenhouse-08', at);
      await expect(x509.readRequest(toPem(der))).rejects.toMatchObject({ code: 'csr_signature_invalid' });
      await expect(
        x509.issue({ request: toPem(der), name: 'greenhouse-08', authority, ...VALIDITY }),
      ).rejects.toMatchObject({ code: 'csr_signature_invalid' });
    });

    test.each([
      ['RSA 1024', ['rsa:1024']],
      ['a curve that is not accepted', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
    ])('a request with a key of %s is refused', async (_name, key) => {
      await expect(x509.readRequest(request('/CN=a', key))).rejects.toMatchObject({ code: 'csr_key_refused' });
    });

    test.each(['', 'text', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n'])(
      'refuses %j as a request and as a certificate',
      async (input) => {
        await expect(x509.readRequest(input)).rejects.toMatchObject({ code: 'csr_unreadable' });
        expect(() => x509.readCertificate(input)).toThrow(expect.objectContaining({ code: 'certificate_unreadable' }));
      },
    );

    test('reads a certificate of OpenSSL, and says who did not issue it', () => {
      openssl('req', '-x509', '-newkey', ...EC, '-nodes', '-keyout', 'o.key', '-out', 'o.pem', '-subj', '/CN=Plant CA');
      const plant = x509.readCertificate(text('o.pem'));
      expect(plant).toMatchObject({ subject: 'CN=Plant CA', names: ['Plant CA'], isAuthority: true });
      request('/CN=pump-1');
      writeFileSync(file('ext'), 'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:pump-1,DNS:pump-2');
      openssl('x509', '-req', '-in', 'r.csr', '-CA', 'o.pem', '-CAkey', 'o.key', '-extfile', 'ext', '-out', 'd.pem');
      const device = x509.readCertificate(text('d.pem'));
      expect(device).toMatchObject({ names: ['pump-1', 'pump-1', 'pump-2'], isForClients: false, isAuthority: false });
      expect([x509.isIssuedBy(device, plant), x509.isIssuedBy(device, ca)]).toEqual([true, false]);

      // The same name with another key.
      openssl('req', '-x509', '-newkey', ...EC, '-nodes', '-keyout', 'p.key', '-out', 'p.pem', '-subj', '/CN=Plant CA');
      expect(x509.isIssuedBy(device, x509.readCertificate(text('p.pem')))).toBe(false);
    });

    test.each([
      ['ECDSA', EC, ['dgst', '-sha256', '-sign', 's.key', '-out', 'data.sig', 'data']],
      ['RSA', ['rsa:2048'], ['dgst', '-sha256', '-sign', 's.key', '-out', 'data.sig', 'data']],
      ['Ed25519', ['ed25519'], ['pkeyutl', '-sign', '-rawin', '-inkey', 's.key', '-in', 'data', '-out', 'data.sig']],
    ])('a signature of OpenSSL with a key of %s is one of its certificate alone', (_name, key, sign) => {
      openssl('req', '-x509', '-newkey', ...key, '-nodes', '-keyout', 's.key', '-out', 's.pem', '-subj', '/CN=a');
      writeFileSync(file('data'), 'what is signed');
      openssl(...sign);
      const signer = x509.readCertificate(text('s.pem'));
      const [data, signature] = [readFileSync(file('data')), readFileSync(file('data.sig'))];
      expect(x509.isSignedBy(data, signature, signer)).toBe(true);
      expect(x509.isSignedBy(Buffer.from('what is signee'), signature, signer)).toBe(false);
      expect(x509.isSignedBy(data, Buffer.from('no signature'), signer)).toBe(false);
      expect(x509.isSignedBy(data, signature, ca)).toBe(false);
      const spki = Buffer.from(
        openssl('x509', '-in', 's.pem', '-noout', '-pubkey').replaceAll(/-----.*-----|\s/g, ''),
        'base64',
      );
      expect(signer.keyHash).toBe(createHash('sha256').update(spki).digest('hex'));
    });

    test('whatever is changed in a certificate or a request: it is refused, or nobody of ours has signed it', async () => {
      const pem = request('/CN=greenhouse-07');
      const made = await x509.issue({ request: pem, name: 'greenhouse-07', authority, ...VALIDITY });
      const [certificate, csr] = [made.pem, pem].map((text) =>
        Buffer.from(text.replaceAll(/-----.*-----|\s/g, ''), 'base64'),
      );
      const original = await x509.readRequest(pem);
      const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });
      const changed = (der: Buffer, list: readonly (readonly [number, number])[]) => {
        const copy = Buffer.from(der);
        for (const [at, by] of list) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ by;
        return copy;
      };
      await fc.assert(
        fc.asyncProperty(changes, async (list) => {
          const [badCertificate, badCsr] = [
            changed(certificate ?? Buffer.alloc(0), list),
            changed(csr ?? Buffer.alloc(0), list),
          ];
          if (badCertificate.equals(certificate ?? Buffer.alloc(0))) return;
          try {
            expect(x509.isIssuedBy(x509.readCertificate(badCertificate), ca)).toBe(false);
          } catch (error) {
            expect(error).toMatchObject({ code: 'certificate_unreadable' });
          }
          // What is outside of that which is signed may be written in other ways, and says nothing.
          const read = await x509.readRequest(toPem(badCsr)).catch((error: { readonly code?: string }) => error.code);
          expect(typeof read === 'string' ? read : 'read').toMatch(/^(csr_\w+|read)$/);
          if (typeof read !== 'string') expect(read).toEqual(original);
        }),
        { numRuns: 500 },
      );
    });

    test('a name that could pass for several is none', () => {
      request('/CN=a');
      writeFileSync(file('ext'), 'subjectAltName=@names\n[names]\nDNS.1=x\nURI.1=urn:a, DNS:admin, b\n');
      openssl('req', '-x509', '-in', 'r.csr', '-key', 'r.key', '-out', 'q.pem');
      openssl('x509', '-req', '-in', 'r.csr', '-CA', 'q.pem', '-CAkey', 'r.key', '-extfile', 'ext', '-out', 'd.pem');
      expect(openssl('x509', '-in', 'd.pem', '-noout', '-ext', 'subjectAltName')).toContain('DNS:admin');
      expect(x509.readCertificate(text('d.pem')).names).toEqual(['a']);
    });
  });
}

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;
const CA_TRUE = 'basicConstraints=critical,CA:TRUE';

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}
