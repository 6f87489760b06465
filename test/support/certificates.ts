import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '#kernel/defined.ts';
import { createX509 } from '#platform/x509/peculiar/peculiar.ts';
import { temporaryFolder } from './folders.ts';

const DAY_MS = 86_400_000;

/** PEM, and the files that hold it. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TestAuthority extends TestCertificate {
  /** A client certificate on a key of its own. Without times: valid from yesterday for 90 days. */
  issue(name: string, times?: { readonly notBefore?: number; readonly notAfter?: number }): Promise<TestCertificate>;
}

/** Certificates for tests, requests and keys made by OpenSSL. `close` deletes the files. */
export function createTestPki(now = Date.now()) {
  const folder = temporaryFolder();
  const x509 = createX509();
  let made = 0;

  const openssl = (...args: readonly string[]): string =>
    execFileSync('openssl', [...args], { cwd: folder.path, encoding: 'utf8', stdio: 'pipe' });

  function write(kind: string, content: string): string {
    made += 1;
    const file = join(folder.path, `${made}.${kind}.pem`);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  function keep(certificate: string, key: string): TestCertificate {
    return { certificate, key, certFile: write('cert', certificate), keyFile: write('key', key) };
  }

  /** A key and a request for it, as a device makes them. */
  function request(subject: string, ...more: readonly string[]): { readonly csr: string; readonly key: string } {
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'request.key'];
    openssl('req', '-new', ...newKey, '-out', 'request.csr', '-subj', subject, ...more);
    return {
      csr: readFileSync(join(folder.path, 'request.csr'), 'utf8'),
      key: readFileSync(join(folder.path, 'request.key'), 'utf8'),
    };
  }

  async function authority(): Promise<TestAuthority> {
    const own = await x509.createAuthority({ notBefore: now - DAY_MS, notAfter: now + 3_650 * DAY_MS });
    return {
      ...keep(own.certificate, own.privateKey),
      async issue(name, times = {}) {
        const { csr, key } = request(`/CN=${name}`);
        const validity = { notBefore: now - DAY_MS, notAfter: now + 90 * DAY_MS, ...defined(times) };
        const { pem } = await x509.issue({ request: csr, name, authority: own, ...validity });
        return keep(pem, key);
      },
    };
  }

  return {
    path: folder.path,
    openssl,
    request,
    /** @param key PEM @returns base64 */
    sign(text: string, key: string): string {
      const [data, keyFile] = [write('data', text), write('key', key)];
      openssl('dgst', '-sha256', '-sign', keyFile, '-out', 'signature', data);
      return readFileSync(join(folder.path, 'signature'), 'base64');
    },
    keep,
    authority,
    /** For a server at 127.0.0.1, signed by itself. */
    server(): TestCertificate {
      const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'server.key'];
      const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
      openssl('req', '-x509', ...newKey, '-out', 'server.pem', '-days', '30', ...names);
      const read = (name: string) => readFileSync(join(folder.path, name), 'utf8');
      return keep(read('server.pem'), read('server.key'));
    },
    close: folder.remove,
  };
}

export type TestPki = ReturnType<typeof createTestPki>;
