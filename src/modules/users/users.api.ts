import type { Principal, RequestOrigin, UserRole } from '#kernel/access.ts';
import type { SqlTransaction } from '#platform/sql/sql.port.ts';
import type { Contact, ContactQuery, User, UserAccess, UserCredentialMarks, UserProfile } from './users.ports.ts';

export interface NewUser extends Partial<UserProfile> {
  /** Trimmed and lower-cased by the module. */
  readonly email: string;
  /** 8..128 characters. */
  readonly password: string;
  readonly role: UserRole;
  /** Whether the e-mail address was proven already; default: it was not. */
  readonly isVerified?: boolean;
  /** Whether somebody knows the password; default: yes. */
  readonly hasPassword?: boolean;
}

export interface EmailAndPassword {
  readonly email: string;
  readonly password: string;
}

/** A link of a mail, by its record. */
export interface UsedLink {
  readonly userId: number;
  readonly linkId: number;
}

/**
 * What other modules and the commands may ask of users. Knows live users only.
 *
 * `client` is the address of whoever is asking: passwords take long to check, and clients take turns.
 */
export interface UsersApi {
  /**
   * Without any check of who may do so. For the audit trail nobody does it, from `origin`, whose address is the client.
   * @throws AppError `email_taken`, `invalid_input`, `password_checks_busy`
   */
  create(user: NewUser, origin?: RequestOrigin): Promise<User>;
  /**
   * The first user of the installation, a SUPERADMIN whose address counts as proven.
   * @throws AppError `setup_done` when there is, or was, a user; `invalid_input`, `password_checks_busy`
   */
  createFirst(user: Omit<NewUser, 'role' | 'isVerified'>, origin: RequestOrigin): Promise<User>;
  /** Whether there never was a user, not even one that was deleted. */
  isEmpty(): Promise<boolean>;
  credentialsOn(transaction: SqlTransaction): UserCredentialMarks;
  exists(userId: number): Promise<boolean>;
  counts(): Promise<{ readonly users: number }>;
  findById(userId: number): Promise<User | null>;
  findByEmail(email: string): Promise<User | null>;
  /** Role and state as stored now; null for nobody. */
  findAccess(userId: number): Promise<UserAccess | null>;
  /** Whom to tell of something, page by page. */
  listContacts(query: ContactQuery): Promise<readonly Contact[]>;
  /**
   * Null when there is no such user or the password is wrong; both take the same time. A user that is not
   * active is returned. The access is as it was when the password was read: a token for it has to count as
   * issued no later than the call, so that a password changed meanwhile voids it.
   * @throws AppError `password_checks_busy`
   */
  verifyPassword(credentials: EmailAndPassword, client?: string): Promise<UserAccess | null>;
  recordLogin(userId: number, origin?: RequestOrigin): Promise<void>;
  /**
   * The e-mail address was proven by a link that was mailed to it, which is used up.
   * @returns false for nobody, and for a link that is not good any more
   */
  markVerified(by: UsedLink, origin: RequestOrigin): Promise<boolean>;
  /**
   * A new password for whoever has read a mail to the e-mail address, which is proven by that. Uses up the link, and
   * ends every session and every other such link.
   * @returns false: the link is not good any more, and nothing was changed
   * @throws AppError `invalid_input`, `password_checks_busy`
   */
  resetPassword(by: UsedLink, password: string, origin: RequestOrigin): Promise<boolean>;
  /** Ends every session of the caller, and voids every token issued until now. */
  endSessions(actor: Principal): Promise<void>;
  /**
   * Makes sure that an active SUPERADMIN with this e-mail and password exists. A user that has the e-mail already, and
   * is not just that, is changed only with `resetPassword`: promoted, re-activated, given this password, and its
   * sessions ended.
   * @throws AppError `email_taken` with what there is instead, `invalid_input`
   */
  ensureSuperuser(
    credentials: EmailAndPassword & { readonly resetPassword?: boolean },
  ): Promise<{ readonly userId: number; readonly outcome: 'created' | 'exists' | 'updated' }>;
}
