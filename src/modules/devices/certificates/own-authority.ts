import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import { readKeyFile } from '#kernel/key-file.ts';
import type { X509 } from '#platform/x509/x509.port.ts';
import { authorityErrors } from './authorities.errors.ts';
import type { Authority, CertificateStore } from './certificates.ports.ts';

const FILE = 'device-ca.key';
const VALID_MS = 20 * 365 * 86_400_000;
/** So that a process whose clock is behind takes it at once. */
const CLOCK_MS = 300_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;
const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/;

export interface OwnAuthorityDeps {
  readonly folder: string;
  readonly store: CertificateStore;
  readonly x509: X509;
  readonly clock: Clock;
}

/** The installation as an authority. */
export interface OwnAuthority {
  readonly authority: Authority;
  /** PEM */
  readonly privateKey: string;
}

/**
 * Made at its first use: certificate and key in one file, which only its owner reads, and a row among the authorities. Of two
 * processes that make it together one wins, and both have the same.
 */
export function createOwnAuthority({ folder, store, x509, clock }: OwnAuthorityDeps): () => Promise<OwnAuthority> {
  let loading: Promise<OwnAuthority> | undefined;

  async function make(): Promise<string> {
    const now = clock.now();
    const made = await x509.createAuthority({ notBefore: now - CLOCK_MS, notAfter: now + VALID_MS });
    return `${made.certificate}${made.privateKey}`;
  }

  async function load(): Promise<OwnAuthority> {
    const text = (await readKeyFile(folder, FILE, make)).toString('utf8');
    const [certificate = ''] = CERTIFICATE.exec(text) ?? [];
    const [privateKey = ''] = PRIVATE_KEY.exec(text) ?? [];
    const { pem, subject, fingerprint, keyHash, notAfter } = x509.readCertificate(certificate);
    const known = await store.findAuthorityByFingerprint(fingerprint);
    if (known !== null) return { authority: known, privateKey };
    const row = {
      ...{ subject, fingerprint, keyHash, notAfter, name: 'This installation', certificate: pem },
      ...{ autoRegister: false, deviceType: 'device', isOwn: true, createdBy: null },
    };
    await store
      .transaction(async (writer, audit) => {
        const resourceId = String(await writer.insertAuthority(row, clock.now()));
        const on = { resourceType: 'certificate_authority', resourceId };
        await audit.record({ actor: null, action: 'ca.registered', ...on, details: { subject, fingerprint } });
      })
      .catch((error: unknown) => {
        if (!isAppError(error) || error.code !== authorityErrors.ca_registered().code) throw error;
      });
    const stored = await store.findAuthorityByFingerprint(fingerprint);
    if (stored === null) throw new Error('the authority of the installation was not stored');
    return { authority: stored, privateKey };
  }

  return async () => {
    loading ??= load();
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
}
