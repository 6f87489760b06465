import type { UserRole } from '#kernel/access.ts';
import type { Language } from '#kernel/language.ts';
import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { SqlTransaction } from '#platform/sql/sql.port.ts';
import type { UserAccount, UserProfile } from './users.fields.ts';

export type { UserProfile } from './users.fields.ts';

/** A live user. Instants are epoch milliseconds. */
export interface User extends UserAccount, UserProfile {
  readonly id: number;
  /** Whether signing in takes a code beside the password, or beside an account elsewhere. */
  readonly hasSecondFactor: boolean;
  /** Whether somebody has chosen its password; false for one that was made by a sign-in elsewhere. */
  readonly hasPassword: boolean;
  readonly lastLoginAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What decides whether a token of this user counts. */
export interface UserAccess {
  readonly userId: number;
  readonly role: UserRole;
  readonly isActive: boolean;
  /** Epoch milliseconds: tokens issued before this instant are void. */
  readonly tokensValidAfter: number;
  /** Rises whenever one of its ways in has ended: a session, a personal access token. */
  readonly credentialsVersion: number;
  readonly hasSecondFactor: boolean;
}

/** What the module that keeps credentials changes of a user, within its own transaction. */
export interface UserCredentialMarks {
  /** One of the ways in has ended, see `UserAccess.credentialsVersion`. */
  changed(userId: number): Promise<void>;
  setSecondFactor(userId: number, isOn: boolean, now: number): Promise<void>;
}

export interface UserCredentials extends UserAccess {
  readonly hashedPassword: string;
}

export interface NewUserRecord extends UserAccount, UserProfile {
  readonly hashedPassword: string;
  readonly hasPassword: boolean;
  /** Null: nobody knows. */
  readonly language: Language | null;
  readonly createdAt: number;
}

export interface CreateUser extends Partial<UserProfile> {
  readonly email: string;
  readonly password: string;
  readonly role: UserRole;
  readonly isActive?: boolean;
  readonly isVerified?: boolean;
  readonly hasPassword?: boolean;
}

export type UserChanges = Partial<UserAccount & UserProfile>;

export const USER_SORT_FIELDS = [
  'id',
  'email',
  'full_name',
  'organization',
  'role',
  'is_active',
  'is_verified',
  'last_login_at',
  'created_at',
  'updated_at',
] as const;
export type UserSortField = (typeof USER_SORT_FIELDS)[number];

export interface UserFilter {
  readonly id?: OneOrMore<number>;
  readonly role?: OneOrMore<UserRole>;
  readonly isActive?: boolean;
  /** Part of e-mail, name, phone or organisation. */
  readonly q?: string;
  /** Part of e-mail or name: for those who may not know more of a user. */
  readonly named?: string;
}

/** What those who run the fleet may know of a user, and so all that they may sort by. */
export const PERSON_SORT_FIELDS = ['id', 'email', 'full_name', 'role'] as const satisfies readonly UserSortField[];

/** Whom to tell of something. */
export interface Contact {
  readonly userId: number;
  readonly email: string;
  /** Whether the address is known to be this user's. */
  readonly isVerified: boolean;
  /** As the browser said at the latest sign-in; English when none ever did. */
  readonly language: Language;
}

/** Active users who are in `ids` or have one of `roles`, none when both are empty; all when neither is given. By id. */
export interface ContactQuery {
  readonly ids?: readonly number[];
  readonly roles?: readonly UserRole[];
  /** Only ids above this one; 0 for the first page. */
  readonly afterId: number;
  readonly limit: number;
}

export interface UserListQuery extends Pick<PageQuery, 'page' | 'size'>, UserFilter {
  readonly sort: readonly SortTerm<UserSortField>[];
}

/** Live users only: a deleted one is found by nothing here. E-mails arrive normalised. */
export interface UserRepository extends UserCredentialMarks {
  /** Whether there ever was one, deleted or not. */
  wasAny(): Promise<boolean>;
  /** @returns the id. @throws AppError `email_taken` */
  insert(user: NewUserRecord): Promise<number>;
  findById(userId: number): Promise<User | null>;
  findByEmail(email: string): Promise<User | null>;
  findAccess(userId: number): Promise<UserAccess | null>;
  findCredentials(by: { readonly userId: number } | { readonly email: string }): Promise<UserCredentials | null>;
  /** Ties are ordered by id. */
  list(query: UserListQuery): Promise<{ readonly items: readonly User[]; readonly total: number }>;
  listContacts(query: ContactQuery): Promise<readonly Contact[]>;
  countActiveSuperadmins(): Promise<number>;
  /** @throws AppError `email_taken` */
  update(userId: number, changes: UserChanges, now: number): Promise<void>;
  /** One that the user has chosen. */
  setPassword(userId: number, hashedPassword: string, now: number): Promise<void>;
  /** @param language absent: what is known of it stays */
  setLastLogin(userId: number, now: number, language?: Language): Promise<void>;
  /** Voids every token issued until now, and counts as `changed`. Never moves backwards, even when the clock does. */
  endTokens(userId: number, now: number): Promise<void>;
  /** Marks as deleted and frees the e-mail. */
  remove(userId: number, now: number): Promise<void>;
}

/** What a link that is mailed to a user is good for. */
export type LinkPurpose = 'verify_email' | 'reset_password';

/**
 * The tokens that a user was given. They are kept elsewhere, and end with the access that they stand for: in the same
 * transaction, so that none of them can be used between the change and its answer, nor after a process that died there.
 */
export interface UserTokens {
  /** Ends every session: what a new access token can be had for. */
  endSessions(userId: number, now: number): Promise<void>;
  /** Removes every personal access token. */
  endPersonalTokens(userId: number): Promise<void>;
  /** Of the second factor and its recovery codes nothing is left. */
  removeSecondFactor(userId: number): Promise<void>;
  /** From now on no link for any of `purposes` is good that was sent to the user until now. */
  voidLinks(userId: number, purposes: readonly LinkPurpose[], now: number): Promise<void>;
  /** A link is good from now on, for an hour. @returns its token, which is nowhere else */
  issueLink(userId: number, purpose: LinkPurpose, now: number): Promise<string>;
  /** Uses a link up. @returns false: it was used or voided meanwhile */
  useLink(linkId: number, now: number): Promise<boolean>;
}

/** Mails with a link, and the links themselves. Implemented by whoever sends them. */
export interface AccountMails {
  /** Whether mails go out at all; without, `send` does nothing. */
  readonly isOn: boolean;
  /** @param acceptLanguage of the request, in whose language the mail is. @throws AppError `unavailable` */
  send(purpose: LinkPurpose, email: string, acceptLanguage: string | undefined): Promise<void>;
  /** Where a person goes with a token of `UserTokens.issueLink`. */
  linkTo(purpose: LinkPurpose, token: string): string;
}

/** Implemented by whoever issues the tokens, and given to this module. */
export interface UserTokenStore {
  on(transaction: SqlTransaction): UserTokens;
}

/** What belongs to one change, and is stored with it or not at all. */
export interface UserTransaction {
  readonly users: UserRepository;
  readonly tokens: UserTokens;
  readonly audit: AuditWriter;
}

/** The repository, and what a change is made with. */
export interface UserStore {
  readonly users: UserRepository;
  /** Inside the transaction of another module. */
  marksOn(transaction: SqlTransaction): UserCredentialMarks;
  transaction<T>(work: (transaction: UserTransaction) => Promise<T>): Promise<T>;
}

/**
 * Argon2id. Slow on purpose, off the event loop. `client` is whoever asks, such as an address: clients take turns.
 * Without it the work belongs to the system itself, one client more.
 * @throws AppError `password_checks_busy` when too many wait, of this client or of all
 */
export interface PasswordHasher {
  hash(password: string, client?: string): Promise<string>;
  /** With null it takes as long and is false: nobody can tell whether the user exists. */
  verify(password: string, hashed: string | null, client?: string): Promise<boolean>;
}

/** How a person gets to a new password. */
export interface PasswordReset {
  readonly isMailed: boolean;
  /** Good once and for an hour; null: it was mailed. */
  readonly link: string | null;
}
