import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { IssuedCertificate } from '../certificates/certificates.ports.ts';
import type { DeviceCredentials } from '../devices.ports.ts';
import type { ClaimFacts } from './claims.rules.ts';

/** Attempts that are kept of a claim. */
export const MAX_ATTEMPTS = 1_000;
/** For how long a repeated request is answered with the same device, in milliseconds. */
export const REPEATABLE_MS = 3_600_000;

/** Lets devices register themselves. Instants are epoch milliseconds. */
export interface Claim extends ClaimFacts {
  readonly id: number;
  readonly name: string;
  readonly groupId: number | null;
  readonly ownerId: number | null;
  readonly createdBy: number | null;
  readonly createdAt: number;
}

export type NewClaim = Omit<Claim, 'id' | 'used' | 'revokedAt'> & { readonly tokenHash: string };

/** `claim`: the claim does not allow it; `device`: the device could not be made; `done`. */
export type AttemptStep = 'claim' | 'device' | 'done';

export interface Attempt {
  readonly id: number;
  readonly claimId: number;
  readonly deviceUid: string | null;
  readonly step: AttemptStep;
  /** Code of what was wrong; null: nothing. */
  readonly error: string | null;
  readonly ipAddress: string | null;
  readonly at: number;
}

export type NewAttempt = Omit<Attempt, 'id'>;

/** A request that may be repeated, as hashes, and the device that it is about. */
export interface KeyedRequest {
  readonly key: string;
  readonly request: string;
  readonly deviceUid: string;
  /** Whether the device was made. */
  readonly isDone: boolean;
}

/** What a device says that wants to be registered. */
export interface ProvisionRequest {
  readonly token: string;
  readonly deviceUid: string | null;
  /** What it takes itself for; null: it does not say. */
  readonly deviceType: string | null;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Certificate request (PEM): it gets a certificate too; null: it does not want one. */
  readonly csr: string | null;
}

/** Tries of one claim in a minute, from wherever they come. */
export const TRIES_OF_CLAIM = 600;
/** Of one address, in a minute: what is tried is stored. */
export const TRIES_OF_ADDRESS = 60;

/** What it is answered. */
export interface Provisioned {
  readonly credentials: DeviceCredentials;
  readonly certificate: IssuedCertificate | null;
}

export const CLAIM_SORT_FIELDS = ['id', 'name', 'device_type', 'expires_at', 'created_at'] as const;
export const ATTEMPT_SORT_FIELDS = ['id', 'created_at'] as const;

export interface ClaimFilter {
  readonly deviceType?: OneOrMore<string>;
  /** Contained in the name. */
  readonly q?: string;
}
export interface AttemptFilter {
  readonly step?: OneOrMore<AttemptStep>;
  /** Contained in uid or error. */
  readonly q?: string;
}
interface ListQuery<Filter, Field extends string> extends Omit<PageQuery, 'sort'> {
  readonly filter: Filter;
  readonly sort: readonly SortTerm<Field>[];
}

export interface ClaimWriter {
  find(id: number): Promise<Claim | null>;
  findByToken(tokenHash: string): Promise<Claim | null>;
  insert(claim: NewClaim): Promise<Claim>;
  setUsed(id: number, used: number, at: number): Promise<void>;
  revoke(id: number, at: number): Promise<void>;
  /** The request with this key that was made at or after `since`; older ones of the claim are forgotten. */
  findRequest(claimId: number, key: string, since: number): Promise<KeyedRequest | null>;
  insertRequest(claimId: number, request: KeyedRequest, at: number): Promise<void>;
  setRequestDone(claimId: number, key: string, at: number): Promise<void>;
  removeRequest(claimId: number, key: string): Promise<void>;
  /** Keeps the newest `MAX_ATTEMPTS` of the claim. */
  addAttempt(attempt: NewAttempt): Promise<void>;
}

export interface ClaimStore extends Pick<ClaimWriter, 'find' | 'findByToken'> {
  list(
    query: ListQuery<ClaimFilter, (typeof CLAIM_SORT_FIELDS)[number]>,
  ): Promise<{ readonly items: readonly Claim[]; readonly total: number }>;
  listAttempts(
    claimId: number,
    query: ListQuery<AttemptFilter, (typeof ATTEMPT_SORT_FIELDS)[number]>,
  ): Promise<{ readonly items: readonly Attempt[]; readonly total: number }>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writer: ClaimWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
