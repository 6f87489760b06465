import { createHash } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { countOf, readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type { DeviceTables } from '../devices.tables.ts';
import { authorityErrors } from './authorities.errors.ts';
import type {
  Authority,
  CertificateFilter,
  CertificateReader,
  CertificateStore,
  CertificateWriter,
  DeviceCertificate,
  EndingSpan,
  OwnedCertificate,
} from './certificates.ports.ts';
import type { CertificateTables } from './certificates.tables.ts';

type Tables = CertificateTables & Pick<DeviceTables, 'devices'>;
type Db = Kysely<Tables>;

const MAX_OF_DEVICE = 100;

export function createCertificateStore(store: SqlStore, audit: AuditTrail): CertificateStore {
  const db = () => store.db<Tables>();
  return {
    findAuthority: (id) => reader(db()).findAuthority(id),
    findCertificate: (key, serial) => reader(db()).findCertificate(key, serial),
    certificatesOf: (uid) => reader(db()).certificatesOf(uid),
    async authoritiesNamed(subject) {
      const rows = await db()
        .selectFrom('certificate_authorities')
        .selectAll()
        .where('subject_hash', '=', hashOf(subject))
        .orderBy('id')
        .execute();
      return rows.map(toAuthority);
    },
    async findAuthorityByFingerprint(fingerprint) {
      const row = await db()
        .selectFrom('certificate_authorities')
        .selectAll()
        .where('fingerprint', '=', fingerprint)
        .executeTakeFirst();
      return row === undefined ? null : toAuthority(row);
    },
    async listAuthorities({ q, ...asked }) {
      let matching = db().selectFrom('certificate_authorities');
      if (q !== undefined) matching = matching.where(isLike(['name', 'subject'], containing(q)));
      return await readPage(matching.selectAll(), { ...asked, tie: { field: 'id', direction: 'asc' } }, toAuthority);
    },
    listCertificates: ({ filter, ...asked }) =>
      readPage(
        filtered(db(), filter).selectAll(),
        { ...asked, tie: { field: 'id', direction: 'desc' } },
        toCertificate,
      ),
    async inUse(issuerKeyHash, afterId, limit) {
      const rows = await db()
        .selectFrom('device_certificates')
        .selectAll()
        .where('issuer_key_hash', '=', issuerKeyHash)
        .where('id', '>', afterId)
        .where('device_id', 'is not', null)
        .where('revoked_at', 'is', null)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toOwned);
    },
    async ending(span, { limit }) {
      const rows = await ending(db(), span)
        .selectAll()
        .where('warned_at', 'is', null)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toOwned);
    },
    countEnding: (span) => countOf(ending(db(), span)),
    async ended({ after, until }, afterId, limit) {
      const rows = await db()
        .selectFrom('device_certificates')
        .selectAll()
        .where('not_after', '>', after)
        .where('not_after', '<=', until)
        .where('id', '>', afterId)
        .where('first_used_at', 'is not', null)
        .where('revoked_at', 'is', null)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toOwned);
    },
    async removeEnded(before, limit) {
      const rows = await db()
        .selectFrom('device_certificates')
        .select('id')
        .where('not_after', '<', before)
        .orderBy('id')
        .limit(limit)
        .execute();
      if (rows.length === 0) return 0;
      const ids = rows.map(({ id }) => id);
      await store.transaction<CertificateTables, unknown>((trx) =>
        trx.deleteFrom('device_certificates').where('id', 'in', ids).execute(),
      );
      return rows.length;
    },
    transaction: (work) => store.transaction((trx: Db) => work(createWriter(trx, store), audit.on(trx))),
  };
}

function reader(db: Db): CertificateReader {
  return {
    async findAuthority(id) {
      const row = await db.selectFrom('certificate_authorities').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toAuthority(row);
    },
    async findCertificate(issuerKeyHash, serial) {
      const row = await db
        .selectFrom('device_certificates')
        .selectAll()
        .where('issuer_key_hash', '=', issuerKeyHash)
        .where('serial', '=', serial)
        .executeTakeFirst();
      return row === undefined ? null : toCertificate(row);
    },
    async certificatesOf(deviceUid) {
      const rows = await db
        .selectFrom('device_certificates')
        .selectAll()
        .where('device_uid', '=', deviceUid)
        .orderBy('id', 'desc')
        .limit(MAX_OF_DEVICE)
        .execute();
      return rows.map(toCertificate);
    },
  };
}

function createWriter(trx: Db, store: SqlStore): CertificateWriter {
  return {
    ...reader(trx),
    countAuthorities: () => countOf(trx.selectFrom('certificate_authorities')),
    async insertAuthority(authority, at) {
      try {
        const { insertId } = await trx
          .insertInto('certificate_authorities')
          .values({
            name: authority.name,
            certificate: authority.certificate,
            subject: authority.subject,
            subject_hash: hashOf(authority.subject),
            fingerprint: authority.fingerprint,
            key_hash: authority.keyHash,
            not_after: authority.notAfter,
            auto_register: Number(authority.autoRegister),
            device_type: authority.deviceType,
            is_own: Number(authority.isOwn),
            created_by: authority.createdBy,
            created_at: at,
            updated_at: at,
          })
          .executeTakeFirstOrThrow();
        return Number(insertId);
      } catch (error) {
        if (store.isUniqueViolation(error)) throw authorityErrors.ca_registered({ cause: error });
        throw error;
      }
    },
    async removeAuthority(id) {
      await trx.deleteFrom('certificate_authorities').where('id', '=', id).execute();
    },
    async insertCode(code, expiresAt, createdBy, at) {
      await trx.deleteFrom('ca_registration_codes').where('expires_at', '<', at).execute();
      await trx
        .insertInto('ca_registration_codes')
        .values({ code, expires_at: expiresAt, created_by: createdBy, created_at: at, updated_at: at })
        .execute();
    },
    async takeCode(code, at) {
      const { numDeletedRows } = await trx
        .deleteFrom('ca_registration_codes')
        .where('code', '=', code)
        .where('expires_at', '>=', at)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async insertCertificate(certificate, at) {
      await trx
        .insertInto('device_certificates')
        .values({
          issuer_key_hash: certificate.issuerKeyHash,
          serial: certificate.serial,
          issuer: certificate.issuer,
          device_id: certificate.deviceId,
          device_uid: certificate.deviceUid,
          fingerprint: certificate.fingerprint,
          not_before: certificate.notBefore,
          not_after: certificate.notAfter,
          certificate: certificate.certificate,
          request_hash: certificate.requestHash,
          first_used_at: certificate.firstUsedAt,
          revoked_at: certificate.revokedAt,
          revoked_reason: certificate.revokedReason,
          warned_at: null,
          created_at: at,
          updated_at: at,
        })
        .execute();
    },
    async markUsed(id, at) {
      await trx
        .updateTable('device_certificates')
        .set({ first_used_at: at, updated_at: at })
        .where('id', '=', id)
        .execute();
    },
    async revoke(id, reason, at) {
      await trx
        .updateTable('device_certificates')
        .set({ revoked_at: at, revoked_reason: reason, updated_at: at })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .execute();
    },
    async markWarned(id, at) {
      const { numUpdatedRows } = await trx
        .updateTable('device_certificates')
        .set({ warned_at: at, updated_at: at })
        .where('id', '=', id)
        .where('warned_at', 'is', null)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}

function filtered(db: Db, { deviceUid, serial, q }: CertificateFilter) {
  let matching = db.selectFrom('device_certificates');
  if (deviceUid !== undefined) matching = matching.where('device_uid', 'in', several(deviceUid));
  if (serial !== undefined) matching = matching.where('serial', 'in', several(serial));
  if (q !== undefined) matching = matching.where(isLike(['device_uid', 'serial', 'issuer'], containing(q)));
  return matching;
}

function ending(db: Db, { after, until }: EndingSpan) {
  return db
    .selectFrom('device_certificates')
    .where('not_after', '>', after)
    .where('not_after', '<=', until)
    .where('first_used_at', 'is not', null)
    .where('revoked_at', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('devices')
          .select('devices.id')
          .whereRef('devices.id', '=', 'device_certificates.device_id')
          .where('devices.deleted_at', 'is', null),
      ),
    )
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          // A later one is in use: nothing ends.
          selectFrom('device_certificates as later')
            .select('later.id')
            .whereRef('later.device_uid', '=', 'device_certificates.device_uid')
            .whereRef('later.not_after', '>', 'device_certificates.not_after')
            .where('later.first_used_at', 'is not', null)
            .where('later.revoked_at', 'is', null),
        ),
      ),
    );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toAuthority(row: Selectable<CertificateTables['certificate_authorities']>): Authority {
  return {
    id: row.id,
    name: row.name,
    certificate: row.certificate,
    subject: row.subject,
    fingerprint: row.fingerprint,
    keyHash: row.key_hash,
    notAfter: row.not_after,
    autoRegister: row.auto_register === 1,
    deviceType: row.device_type,
    isOwn: row.is_own === 1,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}

function toCertificate(row: Selectable<CertificateTables['device_certificates']>): DeviceCertificate {
  return {
    id: row.id,
    issuerKeyHash: row.issuer_key_hash,
    serial: row.serial,
    issuer: row.issuer,
    deviceId: row.device_id,
    deviceUid: row.device_uid,
    fingerprint: row.fingerprint,
    notBefore: row.not_before,
    notAfter: row.not_after,
    certificate: row.certificate,
    requestHash: row.request_hash,
    firstUsedAt: row.first_used_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason,
    createdAt: row.created_at,
  };
}

/** Of a row that says which device it belongs to: with that come the others. */
function toOwned(row: Selectable<CertificateTables['device_certificates']>): OwnedCertificate {
  return toCertificate(row) as OwnedCertificate;
}
