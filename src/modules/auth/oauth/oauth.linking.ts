import type { RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import { createSecret } from '#kernel/ids.ts';
import { EMAIL_PATTERN, type User, type UserAccess, type UsersApi } from '#modules/users/index.ts';
import type { Identity } from '#platform/oauth/oauth.port.ts';
import type { AccountMailService, MailRequest } from '../account/account-mail.service.ts';
import { authErrors } from '../auth.errors.ts';
import type { UsageLimits } from '../auth.ports.ts';
import { oauthSignInErrors } from './oauth.errors.ts';
import type { OAuthAccountStore } from './oauth.ports.ts';

export interface LinkingDeps {
  readonly users: UsersApi;
  readonly store: OAuthAccountStore;
  readonly clock: Clock;
  readonly registrationOpen: boolean;
  readonly limits: Pick<UsageLimits, 'countRegistration'>;
  readonly mail: Pick<AccountMailService, 'welcome'>;
}

/** Somebody at a provider. */
export interface ProviderIdentity extends Identity {
  readonly provider: string;
}

const MAX_NAME = 200;
const MAX_URL = 2048;

/**
 * Which user somebody at a provider is: the one that is linked already; else the one with the same e-mail address,
 * if both sides have proven it; else a new one.
 *
 * Both sides, because an address that either side merely claims would let whoever claims it in: at the provider into
 * the user of somebody else, here into what somebody else will sign in to.
 */
export function createLinking({ users, store, clock, registrationOpen, limits, mail }: LinkingDeps) {
  async function ownerOf(identity: ProviderIdentity, request: MailRequest): Promise<number> {
    const { email, isEmailVerified } = identity;
    if (email === null) throw oauthSignInErrors.oauth_email_missing();
    const existing = await users.findByEmail(email);
    if (existing !== null) {
      assertJoinable(existing, isEmailVerified);
      return existing.id;
    }
    if (!registrationOpen) throw authErrors.registration_closed();
    await limits.countRegistration(request.origin.ip);
    const user = await users.create(
      {
        email,
        // Nobody knows it; whoever wants a password asks for a new one by e-mail.
        password: createSecret(),
        hasPassword: false,
        role: 'USER',
        isVerified: isEmailVerified,
        fullName: identity.fullName?.slice(0, MAX_NAME) ?? null,
        avatarUrl: usableUrl(identity.avatarUrl),
      },
      request.origin,
    );
    if (!isEmailVerified) await mail.welcome(user.email, request);
    return user.id;
  }

  /** @returns false when somebody else linked it meanwhile */
  async function link(userId: number, { provider, providerUid, email }: ProviderIdentity, origin: RequestOrigin) {
    return await store.transaction(async (accounts, audit) => {
      if (!(await accounts.insert({ userId, provider, providerUid, email, createdAt: clock.now() }))) return false;
      await audit.record({
        actor: null,
        origin,
        action: 'auth.oauth_account_linked',
        resourceType: 'user',
        resourceId: String(userId),
        details: { provider, provider_uid: providerUid, email },
      });
      return true;
    });
  }

  async function linkedUser({ provider, providerUid, email }: ProviderIdentity): Promise<UserAccess | null> {
    const account = await store.accounts.find(provider, providerUid);
    if (account === null) return null;
    const access = await users.findAccess(account.userId);
    // The user was deleted: whoever it was may sign in as a new one.
    if (access === null) await store.accounts.remove(account.id);
    else await store.accounts.setEmail(account.id, email, clock.now());
    return access;
  }

  /**
   * @returns the user, active or not
   * @throws AppError `oauth_email_missing`, `oauth_email_not_verified`, `oauth_user_not_verified`,
   * `registration_closed`, `too_many_registrations`, `password_checks_busy`
   */
  async function userOf(given: ProviderIdentity, request: MailRequest): Promise<UserAccess> {
    const identity = { ...given, email: usableEmail(given.email) };
    const linked = await linkedUser(identity);
    if (linked !== null) return linked;
    try {
      await link(await ownerOf(identity, request), identity, request.origin);
    } catch (error) {
      // The same person came twice at once, and the other one was first.
      if (!isAppError(error) || error.code !== 'email_taken') throw error;
      await link(await ownerOf(identity, request), identity, request.origin);
    }
    const access = await linkedUser(identity);
    if (access === null) throw oauthSignInErrors.oauth_flow_unknown();
    return access;
  }

  return { userOf };
}

function assertJoinable({ isVerified, isActive }: User, isEmailVerified: boolean): void {
  if (!isEmailVerified) throw oauthSignInErrors.oauth_email_not_verified();
  if (!isVerified) throw oauthSignInErrors.oauth_user_not_verified();
  if (!isActive) throw authErrors.account_inactive();
}

/**
 * ASCII only: elsewhere different addresses are alike once they are lower-cased, as `K` (Kelvin) and `k` are, and one
 * who has the one would be taken for who has the other.
 */
function usableEmail(email: string | null): string | null {
  const isUsable = email !== null && /^[\x21-\x7e]{1,254}$/.test(email) && new RegExp(EMAIL_PATTERN).test(email);
  return isUsable ? email : null;
}

function usableUrl(url: string | null): string | null {
  const isUsable = url !== null && url.length <= MAX_URL && /^https?:\/\//.test(url) && URL.canParse(url);
  return isUsable ? url : null;
}
