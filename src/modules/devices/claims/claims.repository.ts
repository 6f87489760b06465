import type { Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import { type Attempt, type Claim, type ClaimStore, type ClaimWriter, MAX_ATTEMPTS } from './claims.ports.ts';
import type { ClaimTables } from './claims.tables.ts';

type Db = Kysely<ClaimTables>;

const NEWEST_FIRST = { field: 'id', direction: 'desc' } as const;

export function createClaimStore(store: SqlStore, audit: AuditTrail): ClaimStore {
  const db = () => store.db<ClaimTables>();
  return {
    find: (id) => reader(db()).find(id),
    findByToken: (tokenHash) => reader(db()).findByToken(tokenHash),
    async list({ filter: { deviceType, q }, ...asked }) {
      let matching = db().selectFrom('device_claims');
      if (deviceType !== undefined) matching = matching.where('device_type', 'in', several(deviceType));
      if (q !== undefined) matching = matching.where(isLike(['name'], containing(q)));
      return await readPage(matching.selectAll(), { ...asked, tie: NEWEST_FIRST }, toClaim);
    },
    async listAttempts(claimId, { filter: { step, q }, ...asked }) {
      let matching = db().selectFrom('claim_attempts').where('claim_id', '=', claimId);
      if (step !== undefined) matching = matching.where('step', 'in', several(step));
      if (q !== undefined) matching = matching.where(isLike(['device_uid', 'error'], containing(q)));
      return await readPage(matching.selectAll(), { ...asked, tie: NEWEST_FIRST }, toAttempt);
    },
    transaction: (work) => store.transaction((trx: Db) => work(createWriter(trx), audit.on(trx))),
  };
}

function reader(db: Db): Pick<ClaimWriter, 'find' | 'findByToken'> {
  return {
    async find(id) {
      const row = await db.selectFrom('device_claims').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toClaim(row);
    },
    async findByToken(tokenHash) {
      const row = await db
        .selectFrom('device_claims')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst();
      return row === undefined ? null : toClaim(row);
    },
  };
}

function createWriter(trx: Db): ClaimWriter {
  const read = reader(trx);
  return {
    ...read,
    async insert(claim) {
      const { tokenHash, createdAt } = claim;
      await trx
        .insertInto('device_claims')
        .values({
          name: claim.name,
          device_type: claim.deviceType,
          group_id: claim.groupId,
          owner_id: claim.ownerId,
          max_devices: claim.maxDevices,
          used: 0,
          uid_pattern: claim.uidPattern,
          uids: claim.uids === null ? null : JSON.stringify(claim.uids),
          token_hash: tokenHash,
          expires_at: claim.expiresAt,
          revoked_at: null,
          created_by: claim.createdBy,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .execute();
      return (await read.findByToken(tokenHash)) as Claim;
    },
    async setUsed(id, used, at) {
      await trx.updateTable('device_claims').set({ used, updated_at: at }).where('id', '=', id).execute();
    },
    async revoke(id, at) {
      await trx.updateTable('device_claims').set({ revoked_at: at, updated_at: at }).where('id', '=', id).execute();
    },
    async findRequest(claimId, key, since) {
      await trx.deleteFrom('claim_requests').where('claim_id', '=', claimId).where('created_at', '<', since).execute();
      const row = await trx
        .selectFrom('claim_requests')
        .selectAll()
        .where('claim_id', '=', claimId)
        .where('request_key', '=', key)
        .executeTakeFirst();
      if (row === undefined) return null;
      return { key, request: row.request_hash, deviceUid: row.device_uid, isDone: row.is_done === 1 };
    },
    async insertRequest(claimId, { key, request, deviceUid, isDone }, at) {
      await trx
        .insertInto('claim_requests')
        .values({
          claim_id: claimId,
          request_key: key,
          request_hash: request,
          device_uid: deviceUid,
          is_done: Number(isDone),
          created_at: at,
          updated_at: at,
        })
        .execute();
    },
    async setRequestDone(claimId, key, at) {
      await trx
        .updateTable('claim_requests')
        .set({ is_done: 1, updated_at: at })
        .where('claim_id', '=', claimId)
        .where('request_key', '=', key)
        .execute();
    },
    async removeRequest(claimId, key) {
      await trx.deleteFrom('claim_requests').where('claim_id', '=', claimId).where('request_key', '=', key).execute();
    },
    async addAttempt({ claimId, deviceUid, step, error, ipAddress, at }) {
      await trx
        .insertInto('claim_attempts')
        .values({
          claim_id: claimId,
          device_uid: deviceUid,
          step,
          error,
          ip_address: ipAddress,
          created_at: at,
          updated_at: at,
        })
        .execute();
      const oldest = await trx
        .selectFrom('claim_attempts')
        .select('id')
        .where('claim_id', '=', claimId)
        .orderBy('id', 'desc')
        .offset(MAX_ATTEMPTS)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      await trx.deleteFrom('claim_attempts').where('claim_id', '=', claimId).where('id', '<=', oldest.id).execute();
    },
  };
}

function toClaim(row: Selectable<ClaimTables['device_claims']>): Claim {
  return {
    id: row.id,
    name: row.name,
    deviceType: row.device_type,
    groupId: row.group_id,
    ownerId: row.owner_id,
    maxDevices: row.max_devices,
    used: row.used,
    uidPattern: row.uid_pattern,
    uids: row.uids === null ? null : JSON.parse(row.uids),
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}

function toAttempt(row: Selectable<ClaimTables['claim_attempts']>): Attempt {
  return {
    id: row.id,
    claimId: row.claim_id,
    deviceUid: row.device_uid,
    step: row.step,
    error: row.error,
    ipAddress: row.ip_address,
    at: row.created_at,
  };
}
