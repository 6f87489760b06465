import { createHmac } from 'node:crypto';
import type { Principal, RequestOrigin } from '#kernel/access.ts';
import { addressBlock } from '#kernel/addresses.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors, isAppError } from '#kernel/errors.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { AuditEntry, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { CertificateIssuer } from '../certificates/certificates.ports.ts';
import type { DeviceCredentials } from '../devices.ports.ts';
import type { DevicesService } from '../devices.service.ts';
import { claimErrors } from './claims.errors.ts';
import {
  ATTEMPT_SORT_FIELDS,
  type Attempt,
  type AttemptFilter,
  CLAIM_SORT_FIELDS,
  type Claim,
  type ClaimFilter,
  type ClaimStore,
  type NewAttempt,
  type NewClaim,
  type Provisioned,
  type ProvisionRequest,
  REPEATABLE_MS,
} from './claims.ports.ts';
import { flawOfClaim } from './claims.rules.ts';

/** Of one address, in a minute: what is tried is stored. */
const TRIES_OF_ADDRESS = 60;
const MINUTE_MS = 60_000;

export interface ClaimsServiceDeps {
  readonly store: ClaimStore;
  readonly devices: Pick<DevicesService, 'create'>;
  readonly groups: { groupExists(groupId: number): Promise<boolean> };
  readonly users: { exists(userId: number): Promise<boolean> };
  readonly issuer: CertificateIssuer;
  readonly refusals: RefusalTrail;
  readonly counters: CounterStore;
  /** Of this installation: secrets are made with it. */
  readonly key: () => Buffer;
  readonly clock: Clock;
}

export type ClaimsService = ReturnType<typeof createClaimsService>;

export function createClaimsService(deps: ClaimsServiceDeps) {
  const { store, devices, groups, users, issuer, refusals, counters, key, clock } = deps;

  async function existing(id: number): Promise<Claim> {
    const claim = await store.find(id);
    if (claim === null) throw claimErrors.claim_not_found();
    return claim;
  }

  async function countTry({ ip }: RequestOrigin): Promise<void> {
    const { count, resetInMs } = await counters.increment(`provision:${addressBlock(ip)}`, MINUTE_MS);
    if (count <= TRIES_OF_ADDRESS) return;
    throw commonErrors.rate_limited({ details: { retryAfterSeconds: Math.max(1, resetInMs / 1_000) } });
  }

  async function refused(claim: Claim | null, deviceUid: string | null, code: string, origin: RequestOrigin) {
    const details = { reason: code, device_uid: deviceUid };
    const entry = { actor: null, origin, action: 'claim.refused', resourceType: 'device_claim', details };
    await refusals.record({ ...entry, resourceId: claim === null ? null : String(claim.id) });
  }

  /** Takes a place of the claim, so that it never makes more devices than it may. */
  async function reserve(claimId: number, deviceUid: string | null): Promise<void> {
    const at = clock.now();
    await store.transaction(async (writer) => {
      const claim = await writer.find(claimId);
      const flaw = claim === null ? 'claim_revoked' : flawOfClaim(claim, deviceUid, at);
      if (flaw !== null) throw claimErrors[flaw]();
      await writer.setUsed(claimId, (claim?.used ?? 0) + 1, at);
    });
  }

  async function giveBack(claimId: number): Promise<void> {
    await store.transaction(async (writer) => {
      const claim = await writer.find(claimId);
      if (claim !== null) await writer.setUsed(claimId, Math.max(0, claim.used - 1), clock.now());
    });
  }

  async function note(attempt: NewAttempt): Promise<void> {
    await store.transaction((writer) => writer.addAttempt(attempt));
  }

  return {
    /** @returns the claim, and its token, which is known to nobody afterwards. @throws AppError `claim_invalid` */
    async create(principal: Principal, claim: Omit<NewClaim, 'tokenHash' | 'createdBy' | 'createdAt'>) {
      if (claim.groupId !== null && !(await groups.groupExists(claim.groupId))) {
        throw invalid('/group_id', 'must be a group that exists');
      }
      if (claim.ownerId !== null && !(await users.exists(claim.ownerId))) {
        throw invalid('/owner_id', 'must be the id of a user');
      }
      if (claim.expiresAt <= clock.now()) throw invalid('/expires_at', 'must be in the future');
      const token = createSecret();
      const stored = await store.transaction(async (writer, audit) => {
        const row = { ...claim, tokenHash: hashSecret(token), createdBy: principal.userId, createdAt: clock.now() };
        const made = await writer.insert(row);
        const details = { name: claim.name, device_type: claim.deviceType, max_devices: claim.maxDevices };
        await audit.record({ actor: principal, ...entryOf('claim.created', made.id), details });
        return made;
      });
      return { claim: stored, token };
    },

    /** @throws AppError `claim_not_found` */
    get: existing,

    /** Devices that it has made stay. @throws AppError `claim_not_found` */
    async revoke(principal: Principal, id: number): Promise<Claim> {
      const claim = await existing(id);
      if (claim.revokedAt !== null) return claim;
      await store.transaction(async (writer, audit) => {
        await writer.revoke(id, clock.now());
        await audit.record({ actor: principal, ...entryOf('claim.revoked', id), details: { name: claim.name } });
      });
      return await existing(id);
    },

    /** @throws AppError `invalid_sort` */
    async list(filter: ClaimFilter, query: PageQuery): Promise<Page<Claim>> {
      const sort = parseSort(query.sort, CLAIM_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
      const { items, total } = await store.list({ ...query, filter, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `claim_not_found`, `invalid_sort` */
    async listAttempts(id: number, filter: AttemptFilter, query: PageQuery): Promise<Page<Attempt>> {
      await existing(id);
      const sort = parseSort(query.sort, ATTEMPT_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
      const { items, total } = await store.listAttempts(id, { ...query, filter, sort });
      return toPage(items, total, query);
    },

    /**
     * Registers the device that asks.
     * @param idempotencyKey of a request that may be repeated within an hour, which is answered with the same device
     * @throws AppError `claim_token_invalid`, `claim_expired`, `claim_revoked`, `claim_used_up`, `claim_uid_required`,
     *   `claim_uid_refused`, `claim_key_reused`, `device_uid_taken`, `device_metadata_invalid`, `rate_limited`; as `checkRequest`
     */
    async provision(
      given: ProvisionRequest,
      idempotencyKey: string | null,
      origin: RequestOrigin,
    ): Promise<Provisioned> {
      await countTry(origin);
      const { token, deviceUid, name, metadata, csr } = given;
      const claim = await store.findByToken(hashSecret(token));
      if (claim === null) {
        await refused(null, deviceUid, 'claim_token_invalid', origin);
        throw claimErrors.claim_token_invalid();
      }
      const keyHash = idempotencyKey === null ? null : hashSecret(`${claim.id} ${idempotencyKey}`);
      const request = keyHash === null ? null : hashSecret(JSON.stringify([deviceUid, name, metadata, csr]));
      /** The same for the same request, and known to nobody who has not this installation's key. */
      const secretOf = (salt: string) => createHmac('sha256', key()).update(`${token} ${salt}`).digest('base64url');
      if (keyHash !== null) {
        const repeated = await store.findRepeated(claim.id, keyHash, clock.now() - REPEATABLE_MS);
        if (repeated !== null && repeated.request !== request) throw claimErrors.claim_key_reused();
        if (repeated !== null) {
          return await answer({ username: repeated.deviceUid, password: secretOf(keyHash) }, csr, origin);
        }
      }
      const attempt = { claimId: claim.id, deviceUid, ipAddress: origin.ip, at: clock.now(), key: keyHash, request };
      let step: Attempt['step'] = 'claim';
      try {
        if (csr !== null) await issuer.checkRequest(csr, deviceUid);
        await reserve(claim.id, deviceUid);
        step = 'device';
        const { device, credentials } = await make(claim, given, keyHash === null ? createSecret() : secretOf(keyHash));
        await note({ ...attempt, deviceUid: device.deviceUid, step: 'done', error: null });
        return await answer(credentials, csr, origin);
      } catch (error) {
        const code = isAppError(error) ? error.code : 'internal_error';
        await note({ ...attempt, step, error: code });
        await refused(claim, deviceUid, code, origin);
        throw error;
      }
    },
  };

  async function answer(
    credentials: DeviceCredentials,
    csr: string | null,
    origin: RequestOrigin,
  ): Promise<Provisioned> {
    const certificate = csr === null ? null : await issuer.issueCertificate(csr, credentials.username, origin);
    return { credentials, certificate };
  }

  async function make(claim: Claim, { deviceUid, name, metadata }: ProvisionRequest, password: string) {
    const { deviceType, groupId, ownerId } = claim;
    const uid = deviceUid === null ? {} : { deviceUid };
    try {
      const input = { name: name ?? deviceUid ?? claim.name, deviceType, groupId, ownerId, metadata, ...uid };
      return await devices.create(null, input, password);
    } catch (error) {
      await giveBack(claim.id);
      throw error;
    }
  }
}

function invalid(path: string, message: string) {
  return claimErrors.claim_invalid({ details: { fields: [{ path, message }] } });
}

function entryOf(action: string, id: number): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'device_claim', resourceId: String(id) };
}
