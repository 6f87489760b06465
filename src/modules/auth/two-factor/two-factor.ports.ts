import type { UserCredentialMarks } from '#modules/users/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { SingleUseTokenRepository } from '../single-use/single-use.ports.ts';

/** Instants are epoch milliseconds. */
export interface SecondFactor {
  readonly userId: number;
  /** As `SecretBox` sealed it. */
  readonly secret: string;
  /** Whether a first code has shown that the user has it: until then it does nothing. */
  readonly isConfirmed: boolean;
}

export interface SecondFactorRepository {
  find(userId: number): Promise<SecondFactor | null>;
  /** Replaces one that is not confirmed. @returns false: there is one that is */
  begin(userId: number, secret: string, now: number): Promise<boolean>;
  /** @returns false: this secret does not wait for its first code */
  confirm(userId: number, secret: string, step: number, now: number): Promise<boolean>;
  /** Uses up every code until `step`. @returns false: they were, before */
  spendStep(userId: number, step: number, now: number): Promise<boolean>;
  replaceCodes(userId: number, hashes: readonly string[], now: number): Promise<void>;
  /** @returns false: there is no such recovery code */
  spendCode(userId: number, hash: string): Promise<boolean>;
  removeAllOf(userId: number): Promise<void>;
  list(): Promise<readonly SecondFactor[]>;
  /** Unless it is another one than `before` by now. */
  replaceSecret(userId: number, before: string, after: string): Promise<void>;
}

/** What is stored together, or not at all. */
export interface SecondFactorTransaction {
  readonly factors: SecondFactorRepository;
  readonly tickets: SingleUseTokenRepository;
  readonly credentials: UserCredentialMarks;
  readonly audit: AuditWriter;
}

export interface SecondFactorStore {
  readonly factors: SecondFactorRepository;
  transaction<T>(work: (transaction: SecondFactorTransaction) => Promise<T>): Promise<T>;
}
