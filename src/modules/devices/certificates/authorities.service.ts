import type { Principal } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createSecret } from '#kernel/ids.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { Certificate, X509 } from '#platform/x509/x509.port.ts';
import { authorityErrors } from './authorities.errors.ts';
import { announceEnded } from './certificates.events.ts';
import {
  AUTHORITY_SORT_FIELDS,
  type Authority,
  CERTIFICATE_SORT_FIELDS,
  type CertificateFilter,
  type CertificateStore,
  type CertificateWriter,
  type DeviceCertificate,
  type NewAuthority,
  type OwnedCertificate,
} from './certificates.ports.ts';
import { serialOf } from './certificates.rules.ts';

export interface AuthoritiesServiceDeps {
  readonly store: CertificateStore;
  readonly x509: X509;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type AuthoritiesService = ReturnType<typeof createAuthoritiesService>;

const CODE_LASTS_MS = 86_400_000;
/** Each login looks at those of one subject only; what is bounded is what MANAGEMENT has to keep an eye on. */
const MAX_AUTHORITIES = 100;
const PAGE = 500;

/** Whose certificates count, and which do not any more. */
export function createAuthoritiesService({ store, x509, clock, events }: AuthoritiesServiceDeps) {
  async function existing(id: number, reader: Pick<CertificateStore, 'findAuthority'> = store): Promise<Authority> {
    const authority = await reader.findAuthority(id);
    if (authority === null) throw authorityErrors.ca_not_found();
    return authority;
  }

  function readAuthority(pem: string, now: number): Certificate {
    const certificate = x509.readCertificate(pem);
    if (!certificate.isAuthority) throw invalid('It may not sign certificates.');
    if (now < certificate.notBefore || now > certificate.notAfter) throw invalid('It is not valid now.');
    return certificate;
  }

  /** @returns the code that the certificate proves it for */
  function provenCode(pem: string, authority: Certificate, now: number): string {
    const proof = x509.readCertificate(pem);
    if (!x509.isIssuedBy(proof, authority)) throw unproven('The authority has not signed it.');
    if (now < proof.notBefore || now > proof.notAfter) throw unproven('It is not valid now.');
    const [code] = proof.names;
    if (code === undefined) throw unproven('It has no common name.');
    return code;
  }

  async function endSessions(authority: Authority, at: number): Promise<void> {
    for (let afterId = 0; ; ) {
      const found = await store.inUse(authority.keyHash, afterId, PAGE);
      announceEnded(events, found, at);
      const last = found.at(-1);
      if (last === undefined || found.length < PAGE) return;
      afterId = last.id;
    }
  }

  return {
    /** @throws AppError `invalid_sort` */
    async list(query: PageQuery & { readonly q?: string }): Promise<Page<Authority>> {
      const sort = parseSort(query.sort, AUTHORITY_SORT_FIELDS, [{ field: 'name', direction: 'asc' }]);
      const { items, total } = await store.listAuthorities({ ...query, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `ca_not_found` */
    get: (id: number): Promise<Authority> => existing(id),

    /** A code for one registration, to be signed by whoever has the key of the authority. */
    async createCode(actor: Principal): Promise<{ readonly code: string; readonly expiresAt: number }> {
      const now = clock.now();
      const code = createSecret();
      const expiresAt = now + CODE_LASTS_MS;
      await store.transaction(async (writer, audit) => {
        await writer.insertCode(code, expiresAt, actor.userId, now);
        const details = { expires_at: toIso(expiresAt) };
        await audit.record({ actor, action: 'ca.registration_begun', ...on(null), details });
      });
      return { code, expiresAt };
    },

    /**
     * @throws AppError `certificate_unreadable`, `ca_invalid`, `ca_proof_invalid`, `ca_registered`, `ca_limit_reached`
     */
    async register(actor: Principal, input: NewAuthority): Promise<Authority> {
      const now = clock.now();
      const certificate = readAuthority(input.certificate, now);
      const code = provenCode(input.verificationCertificate, certificate, now);
      return await store.transaction(async (writer, audit) => {
        if ((await writer.countAuthorities()) >= MAX_AUTHORITIES) throw authorityErrors.ca_limit_reached();
        if (!(await writer.takeCode(code, now))) throw unproven('Its common name is no code that is open.');
        const { name, autoRegister, deviceType } = input;
        const { pem, subject, fingerprint, keyHash, notAfter } = certificate;
        const id = await writer.insertAuthority(
          {
            ...{ name, autoRegister, deviceType, subject, fingerprint, keyHash, notAfter },
            certificate: pem,
            isOwn: false,
            createdBy: actor.userId,
          },
          now,
        );
        const created = await existing(id, writer);
        await audit.record({ actor, action: 'ca.registered', ...on(id), details: audited(created) });
        return created;
      });
    },

    /** Its certificates count no more, and the connections that were made with them end. @throws AppError `ca_not_found`, `ca_is_own` */
    async remove(actor: Principal, id: number): Promise<void> {
      const now = clock.now();
      const removed = await store.transaction(async (writer, audit) => {
        const authority = await existing(id, writer);
        if (authority.isOwn) throw authorityErrors.ca_is_own();
        await writer.removeAuthority(id);
        await audit.record({ actor, action: 'ca.removed', ...on(id), details: audited(authority) });
        return authority;
      });
      await endSessions(removed, now);
    },

    /**
     * Ends a certificate of the authority, whether or not it has been shown yet; a connection that was made with it ends
     * too. With it go those that were issued to its device and are not used yet: whoever has its key may have asked for them.
     * Once revoked, it stays so: doing it again changes nothing.
     * @throws AppError `ca_not_found`
     */
    async revoke(
      actor: Principal,
      authorityId: number,
      { serial: given, reason }: { readonly serial: string; readonly reason: string },
    ): Promise<DeviceCertificate> {
      const now = clock.now();
      const serial = serialOf(given);
      const { revoked, isNew } = await store.transaction(async (writer, audit) => {
        const authority = await existing(authorityId, writer);
        const find = () => writer.findCertificate(authority.keyHash, serial);
        const found = await find();
        if (found !== null && found.revokedAt !== null) return { revoked: found, isNew: false };
        if (found === null) await writer.insertCertificate(unseen(authority, serial, reason, now), now);
        else for (const { id } of await withPending(writer, found)) await writer.revoke(id, reason, now);
        const revoked = await find();
        if (revoked === null) throw new Error('the revocation was not stored');
        const details = { serial, reason, issuer: authority.subject, device_uid: revoked.deviceUid };
        const resourceId = revoked.deviceId === null ? null : String(revoked.deviceId);
        await audit.record({ actor, action: 'certificate.revoked', resourceType: 'device', resourceId, details });
        return { revoked, isNew: true };
      });
      if (isNew && revoked.deviceId !== null) announceEnded(events, [revoked as OwnedCertificate], now);
      return revoked;
    },

    /** @throws AppError `invalid_sort` */
    async listCertificates(
      query: PageQuery & { readonly filter: CertificateFilter },
    ): Promise<Page<DeviceCertificate>> {
      const sort = parseSort(query.sort, CERTIFICATE_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
      const { items, total } = await store.listCertificates({ ...query, sort });
      return toPage(items, total, query);
    },
  };
}

async function withPending(
  writer: CertificateWriter,
  revoked: DeviceCertificate,
): Promise<readonly DeviceCertificate[]> {
  const all = revoked.deviceUid === null ? [] : await writer.certificatesOf(revoked.deviceUid);
  const pending = all.filter(({ firstUsedAt, revokedAt }) => firstUsedAt === null && revokedAt === null);
  return [revoked, ...pending.filter(({ id }) => id !== revoked.id)];
}

function unseen(authority: Authority, serial: string, reason: string, at: number) {
  return {
    issuerKeyHash: authority.keyHash,
    serial,
    issuer: authority.subject,
    deviceId: null,
    deviceUid: null,
    fingerprint: null,
    notBefore: null,
    notAfter: null,
    certificate: null,
    requestHash: null,
    firstUsedAt: null,
    revokedAt: at,
    revokedReason: reason,
  };
}

function on(id: number | null): Pick<AuditEntry, 'resourceType' | 'resourceId'> {
  return { resourceType: 'certificate_authority', resourceId: id === null ? null : String(id) };
}

function audited({ name, subject, fingerprint, autoRegister, deviceType }: Authority) {
  return { name, subject, fingerprint, auto_register: autoRegister, device_type: deviceType };
}

const invalid = (detail: string) => authorityErrors.ca_invalid({ detail });
const unproven = (detail: string) => authorityErrors.ca_proof_invalid({ detail });
