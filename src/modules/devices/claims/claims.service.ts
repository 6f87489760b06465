import { createHmac } from 'node:crypto';
import type { Principal } from '#kernel/access.ts';
import { addressBlock } from '#kernel/addresses.ts';
import type { Clock } from '#kernel/clock.ts';
import { type AppError, commonErrors, isAppError } from '#kernel/errors.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { AuditEntry, AuditOrigin, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { CertificateIssuer } from '../certificates/certificates.ports.ts';
import type { DeviceCredentials } from '../devices.ports.ts';
import { newDeviceUid } from '../devices.registration.ts';
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
  type KeyedRequest,
  type NewAttempt,
  type NewClaim,
  type Provisioned,
  type ProvisionRequest,
  REPEATABLE_MS,
  TRIES_OF_ADDRESS,
  TRIES_OF_CLAIM,
} from './claims.ports.ts';
import { flawOfClaim, type WantedDevice } from './claims.rules.ts';

const MINUTE_MS = 60_000;

export interface ClaimsServiceDeps {
  readonly store: ClaimStore;
  readonly devices: Pick<DevicesService, 'create' | 'authenticate'>;
  readonly groups: { groupExists(groupId: number): Promise<boolean> };
  readonly users: { exists(userId: number): Promise<boolean> };
  readonly issuer: CertificateIssuer;
  readonly refusals: RefusalTrail;
  readonly counters: CounterStore;
  /** Told how each try ended: `done`, or the code of what was wrong. */
  readonly onAttempt: (result: string) => void;
  /** Of this installation: secrets are made with it. */
  readonly key: () => Buffer;
  readonly clock: Clock;
}

export type ClaimsService = ReturnType<typeof createClaimsService>;

export function createClaimsService(deps: ClaimsServiceDeps) {
  const { store, devices, groups, users, issuer, refusals, counters, onAttempt, key, clock } = deps;

  async function existing(id: number): Promise<Claim> {
    const claim = await store.find(id);
    if (claim === null) throw claimErrors.claim_not_found();
    return claim;
  }

  /** @returns null: it is within the limit */
  async function tooMany(who: string, limit: number): Promise<TooMany | null> {
    const { count, resetInMs } = await counters.increment(`provision:${who}`, MINUTE_MS);
    if (count <= limit) return null;
    const error = commonErrors.rate_limited({ details: { retryAfterSeconds: Math.max(1, resetInMs / 1_000) } });
    return { error, isFirst: count === limit + 1 };
  }

  const tooManyOfAddress = ({ ip }: AuditOrigin) => tooMany(addressBlock(ip), TRIES_OF_ADDRESS);

  async function refused(claim: Claim | null, deviceUid: string | null, code: string, origin: AuditOrigin) {
    const details = { reason: code, device_uid: deviceUid };
    const entry = { actor: null, origin, action: 'claim.refused', resourceType: 'device_claim', details };
    await refusals.record({ ...entry, resourceId: claim === null ? null : String(claim.id) });
  }

  /**
   * Takes a place of the claim, so that it never makes more devices than it may. A repeated request has one.
   * @param keyed null: it may not be repeated
   */
  async function reserve(claimId: number, wanted: WantedDevice, keyed: KeyedRequest | null): Promise<Place> {
    const { deviceUid } = wanted;
    const at = clock.now();
    return await store.transaction(async (writer) => {
      const claim = await writer.find(claimId);
      if (claim === null || claim.revokedAt !== null) throw claimErrors.claim_revoked();
      const known = keyed === null ? null : await writer.findRequest(claimId, keyed.key, at - REPEATABLE_MS);
      if (known !== null && known.request !== keyed?.request) throw claimErrors.claim_key_reused();
      if (known !== null) return { deviceUid: known.deviceUid, isNew: false, isDone: known.isDone };
      const flaw = flawOfClaim(claim, wanted, at);
      if (flaw !== null) throw claimErrors[flaw]();
      await writer.setUsed(claimId, claim.used + 1, at);
      if (keyed !== null) await writer.insertRequest(claimId, keyed, at);
      return { deviceUid: keyed?.deviceUid ?? deviceUid ?? newDeviceUid(), isNew: true, isDone: false };
    });
  }

  async function giveBack(claimId: number, keyed: KeyedRequest | null): Promise<void> {
    await store.transaction(async (writer) => {
      const claim = await writer.find(claimId);
      if (claim !== null) await writer.setUsed(claimId, Math.max(0, claim.used - 1), clock.now());
      if (keyed !== null) await writer.removeRequest(claimId, keyed.key);
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
     * For a login before any request. A claim that makes no device (any more) says so when it is asked for one.
     * @returns the code of why not
     */
    async identify(token: string, origin: AuditOrigin): Promise<{ readonly claimId: number } | { refused: string }> {
      const claim = await store.findByToken(hashSecret(token));
      if (claim !== null) return { claimId: claim.id };
      const limited = await tooManyOfAddress(origin);
      if (limited === null) await refused(null, null, 'claim_token_invalid', origin);
      const code = limited?.error.code ?? 'claim_token_invalid';
      onAttempt(code);
      return { refused: code };
    },

    /**
     * Registers the device that asks.
     * @param idempotencyKey of a request that may be repeated within an hour, which is answered with the same device
     * @throws AppError `claim_token_invalid`, `claim_expired`, `claim_revoked`, `claim_used_up`, `claim_type_refused`,
     *   `claim_uid_required`, `claim_uid_refused`, `claim_key_reused`, `claim_device_gone`, `device_uid_taken`,
     *   `device_metadata_invalid`, `rate_limited`; as `checkRequest`
     */
    async provision(given: ProvisionRequest, idempotencyKey: string | null, origin: AuditOrigin): Promise<Provisioned> {
      try {
        const provisioned = await provision(given, idempotencyKey, origin);
        onAttempt('done');
        return provisioned;
      } catch (error) {
        onAttempt(codeOf(error));
        throw error;
      }
    },
  };

  async function provision(given: ProvisionRequest, idempotencyKey: string | null, origin: AuditOrigin) {
    const { token, deviceUid } = given;
    // What is over a limit costs one look into a counter; the first that is over it is noted, for those who look into why.
    const ofAddress = await tooManyOfAddress(origin);
    if (ofAddress !== null && !ofAddress.isFirst) throw ofAddress.error;
    const claim = await store.findByToken(hashSecret(token));
    if (claim === null) {
      const error = ofAddress?.error ?? claimErrors.claim_token_invalid();
      await refused(null, deviceUid, error.code, origin);
      throw error;
    }
    const limited = ofAddress ?? (await tooMany(`claim ${claim.id}`, TRIES_OF_CLAIM));
    if (limited !== null && !limited.isFirst) throw limited.error;
    const attempt: Attempted = { claimId: claim.id, deviceUid, ipAddress: origin.ip, at: clock.now(), step: 'claim' };
    try {
      if (limited !== null) throw limited.error;
      return await register(claim, given, idempotencyKey, attempt, origin);
    } catch (error) {
      await note({ ...attempt, error: codeOf(error) });
      await refused(claim, deviceUid, codeOf(error), origin);
      throw error;
    }
  }

  /** @param attempt is told how far it came */
  async function register(
    claim: Claim,
    given: ProvisionRequest,
    idempotencyKey: string | null,
    attempt: Attempted,
    origin: AuditOrigin,
  ): Promise<Provisioned> {
    const { token, deviceUid, csr } = given;
    const keyed = idempotencyKey === null ? null : keyedRequest(claim, given, idempotencyKey);
    if (csr !== null) await issuer.checkRequest(csr, deviceUid);
    const place = await reserve(claim.id, given, keyed);
    attempt.step = 'device';
    const username = place.deviceUid;
    const password = keyed === null ? createSecret() : secretOf(token, keyed, username);
    if (!(await isMade(place, { username, password }))) await make(claim, given, place, password, keyed);
    await store.transaction(async (writer) => {
      if (keyed !== null) await writer.setRequestDone(claim.id, keyed.key, clock.now());
      if (place.isNew) await writer.addAttempt({ ...attempt, deviceUid: username, step: 'done', error: null });
    });
    const certificate = csr === null ? null : await issuer.issueCertificate(csr, username, origin);
    return { credentials: { username, password }, certificate };
  }

  /** The same for the same request, and known to nobody who has not this installation's key. */
  function secretOf(token: string, keyed: KeyedRequest, deviceUid: string): string {
    return createHmac('sha256', key()).update(`${token} ${keyed.key} ${deviceUid}`).digest('base64url');
  }

  /** Whether a former request, or one at the same time, has made the device: it has this secret then, and no other has. */
  async function isMade(place: Place, { username, password }: DeviceCredentials): Promise<boolean> {
    if (place.isNew) return false;
    if ((await devices.authenticate(username, password)) !== null) return true;
    // Deleted, or given another secret: it is not made once more.
    if (place.isDone) throw claimErrors.claim_device_gone();
    return false;
  }

  async function make(
    claim: Claim,
    { name, metadata }: ProvisionRequest,
    place: Place,
    password: string,
    keyed: KeyedRequest | null,
  ): Promise<void> {
    const { deviceType, groupId, ownerId } = claim;
    const { deviceUid } = place;
    try {
      const input = { deviceUid, name: name ?? deviceUid, deviceType, groupId, ownerId, metadata };
      await devices.create(null, input, password);
    } catch (error) {
      // The same request at the same time was faster.
      if (keyed !== null && (await devices.authenticate(deviceUid, password)) !== null) return;
      if (place.isNew) await giveBack(claim.id, keyed);
      throw error;
    }
  }
}

interface TooMany {
  readonly error: AppError;
  /** The first one of this minute. */
  readonly isFirst: boolean;
}

/** How far a try has come, as long as it goes on. */
type Attempted = Omit<NewAttempt, 'error' | 'step'> & { step: NewAttempt['step'] };

function codeOf(error: unknown): string {
  return isAppError(error) ? error.code : 'internal_error';
}

/** A place of a claim. */
interface Place {
  readonly deviceUid: string;
  /** Taken by this request; otherwise by a former one with its key. */
  readonly isNew: boolean;
  readonly isDone: boolean;
}

function keyedRequest(claim: Claim, given: ProvisionRequest, idempotencyKey: string): KeyedRequest {
  const { deviceUid, deviceType, name, metadata, csr } = given;
  return {
    key: hashSecret(`${claim.id} ${idempotencyKey}`),
    request: hashSecret(JSON.stringify([deviceUid, deviceType, name, metadata, csr])),
    deviceUid: deviceUid ?? newDeviceUid(),
    isDone: false,
  };
}

function invalid(path: string, message: string) {
  return claimErrors.claim_invalid({ details: { fields: [{ path, message }] } });
}

function entryOf(action: string, id: number): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'device_claim', resourceId: String(id) };
}
