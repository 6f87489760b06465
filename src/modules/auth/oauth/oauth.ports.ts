import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { SignInFlow } from '#platform/oauth/oauth.port.ts';

/** Who a user is at a provider. */
export interface OAuthAccount {
  readonly id: number;
  readonly userId: number;
}

/** One as its owner sees it. */
export interface OwnOAuthAccount {
  readonly id: number;
  readonly provider: string;
  /** As the provider said at the latest sign-in. */
  readonly email: string | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export const OAUTH_ACCOUNT_SORT_FIELDS = ['created_at', 'provider', 'email'] as const;
export type OAuthAccountSortField = (typeof OAUTH_ACCOUNT_SORT_FIELDS)[number];

export interface NewOAuthAccount {
  readonly userId: number;
  readonly provider: string;
  readonly providerUid: string;
  /** As the provider said. */
  readonly email: string | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface OAuthAccountRepository {
  /** By id. */
  listOf(userId: number): Promise<readonly OwnOAuthAccount[]>;
  find(provider: string, providerUid: string): Promise<OAuthAccount | null>;
  /** @returns false when somebody is linked to it already */
  insert(account: NewOAuthAccount): Promise<boolean>;
  setEmail(id: number, email: string | null, now: number): Promise<void>;
  remove(id: number): Promise<void>;
}

/** The repository, and the same one inside a transaction, with the audit trail. */
export interface OAuthAccountStore {
  readonly accounts: OAuthAccountRepository;
  transaction<T>(work: (accounts: OAuthAccountRepository, audit: AuditWriter) => Promise<T>): Promise<T>;
}

/** What a browser carries from the beginning of a sign-in to its end. */
export interface Ticket {
  readonly provider: string;
  readonly flow: SignInFlow;
  /** Of the page that will redeem the one-time code (RFC 7636, S256); null: none. */
  readonly codeChallenge: string | null;
  /** Whether the console began, and takes over again; else the page of the settings does. */
  readonly isOfConsole: boolean;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Makes a text of a ticket that only these processes can read or make. */
export interface TicketSeal {
  seal(ticket: Ticket): string;
  /** Null: not one of ours. Whether it has expired is for the caller to see. */
  open(sealed: string): Ticket | null;
}
