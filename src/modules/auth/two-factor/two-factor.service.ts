import type { Principal, RequestOrigin } from '#kernel/access.ts';
import { addressBlock } from '#kernel/addresses.ts';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import { type AttemptLimit, type Attempts, type User, type UsersApi, userErrors } from '#modules/users/index.ts';
import type { RefusalTrail } from '#platform/audit/audit.port.ts';
import type { SealedTexts, SecretBox } from '#platform/secrets/secret-box.port.ts';
import { authErrors } from '../auth.errors.ts';
import type { TokenPair } from '../auth.ports.ts';
import type { KnownNetworksService } from '../known-networks/known-networks.service.ts';
import type { Opening } from '../sessions/opening.ts';
import { createReadableCode, hashRecoveryCode, RECOVERY_CODES } from './recovery-codes.ts';
import { type SecondFactorTickets, TICKET_LIFETIME_MS } from './tickets.ts';
import { createTotpSecret, otpauthUrl, stepOf, toBase32 } from './totp.ts';
import { twoFactorErrors } from './two-factor.errors.ts';
import type { SecondFactorRepository, SecondFactorStore } from './two-factor.ports.ts';

export interface TwoFactorServiceDeps {
  readonly users: Pick<UsersApi, 'findById' | 'findAccess' | 'verifyPassword' | 'recordLogin'>;
  readonly store: SecondFactorStore;
  readonly secrets: SecretBox;
  readonly attempts: Attempts;
  readonly sessions: {
    readonly opening: Pick<Opening, 'open'>;
    readonly tickets: SecondFactorTickets;
    readonly networks: Pick<KnownNetworksService, 'knows'>;
  };
  readonly refusals: RefusalTrail;
  readonly clock: Clock;
}

/** A secret that waits for its first code. */
export interface Enrolment {
  /** Base32, for typing into an app. */
  readonly secret: string;
  /** For a QR code. */
  readonly otpauthUrl: string;
}

/** One of them, of whoever removes the second factor. */
export type Proof = { readonly password: string } | { readonly code: string };

export type TwoFactorService = ReturnType<typeof createTwoFactorService>;

const ISSUER = 'core-api';
const WRONG = { failures: 5, windowMs: 15 * 60_000 } as const;

/** From everywhere but where the user was before: five in a quarter of an hour would be a code in two years. */
const OF_STRANGERS = { failures: 50, windowMs: 86_400_000 } as const;

/** The same count as at `POST /users/me/password`. */
const ofPassword = (userId: number): AttemptLimit => ({ key: `password:${userId}`, ...WRONG, isForgotten: true });
const contextOf = (userId: number) => `second-factor:${userId}`;
const on = (userId: number) => ({ resourceType: 'user', resourceId: String(userId) });

/** Time-based codes (RFC 6238) beside the first credential, with recovery codes for a phone that is lost. */
export function createTwoFactorService(deps: TwoFactorServiceDeps) {
  const { users, store, secrets, attempts, refusals, clock } = deps;
  const { opening, tickets, networks } = deps.sessions;

  /** Whoever has the password guesses little, and keeps nobody out who comes from where it came before. */
  function ofCodes(userId: number, address = ''): readonly [AttemptLimit, AttemptLimit] {
    const isExempt = () => networks.knows(userId, address);
    return [
      { key: `second-factor:${userId}|${addressBlock(address)}`, ...WRONG, isForgotten: true },
      { key: `second-factor-strangers:${userId}`, ...OF_STRANGERS, isExempt },
    ];
  }

  async function ownUser({ userId }: Principal): Promise<User> {
    const user = await users.findById(userId);
    if (user === null) throw userErrors.user_not_found();
    return user;
  }

  /** @returns what reads codes of the user's secret, and the sealed secret; null: there is none */
  async function factorOf(userId: number) {
    const factor = await store.factors.find(userId);
    if (factor === null) return null;
    const secret = Buffer.from(await secrets.open(factor.secret, contextOf(userId)), 'base64');
    return { ...factor, stepOf: (code: string) => stepOf(secret, code, clock.now()) };
  }

  /** Uses up a code of the app, or a recovery code. @returns which it was; null: it is none, or was used */
  async function spend(
    factors: SecondFactorRepository,
    factor: NonNullable<Awaited<ReturnType<typeof factorOf>>>,
    code: string,
  ): Promise<'totp' | 'recovery_code' | null> {
    const { userId } = factor;
    const step = factor.stepOf(code.trim());
    if (step !== null) return (await factors.spendStep(userId, step, clock.now())) ? 'totp' : null;
    return (await factors.spendCode(userId, hashRecoveryCode(code))) ? 'recovery_code' : null;
  }

  async function isProven(user: User, proof: { readonly password: string }, client?: string): Promise<true | null> {
    const access = await users.verifyPassword({ email: user.email, password: proof.password }, client);
    return access?.userId === user.id ? true : null;
  }

  return {
    /**
     * Begins, or begins anew: nothing changes before `confirm`.
     * @throws AppError `second_factor_on`, `config_key_away`
     */
    async enrol(actor: Principal): Promise<Enrolment> {
      const { id: userId, email } = await ownUser(actor);
      const secret = createTotpSecret();
      const sealed = await secrets.seal(secret.toString('base64'), contextOf(userId));
      const isBegun = await store.transaction(({ factors }) => factors.begin(userId, sealed, clock.now()));
      if (!isBegun) throw twoFactorErrors.second_factor_on();
      return { secret: toBase32(secret), otpauthUrl: otpauthUrl(secret, email, ISSUER) };
    },

    /**
     * From now on signing in takes a code.
     * @returns the recovery codes, which are nowhere else
     * @throws AppError `second_factor_on`, `second_factor_not_begun`, `second_factor_wrong`, `too_many_codes`
     */
    async confirm(actor: Principal, code: string): Promise<readonly string[]> {
      const { userId } = actor;
      const factor = await factorOf(userId);
      if (factor === null) throw twoFactorErrors.second_factor_not_begun();
      if (factor.isConfirmed) throw twoFactorErrors.second_factor_on();
      const step = await attempts.attempt(ofCodes(userId, actor.origin?.ip), async () => factor.stepOf(code.trim()));
      if (step === null) throw wrong('/code');
      const codes = Array.from({ length: RECOVERY_CODES }, () => createReadableCode());
      await store.transaction(async ({ factors, credentials, audit }) => {
        const now = clock.now();
        if (!(await factors.confirm(userId, factor.secret, step, now))) throw twoFactorErrors.second_factor_not_begun();
        await factors.replaceCodes(userId, codes.map(hashRecoveryCode), now);
        await credentials.setSecondFactor(userId, true, now);
        await audit.record({ actor, ...on(userId), action: 'auth.second_factor_enabled' });
      });
      return codes;
    },

    /** @throws AppError `second_factor_not_set`, `second_factor_wrong`, `too_many_codes`, `password_checks_busy` */
    async remove(actor: Principal, proof: Proof): Promise<void> {
      const user = await ownUser(actor);
      const factor = await factorOf(user.id);
      if (factor === null || !factor.isConfirmed) throw userErrors.second_factor_not_set();
      const byPassword = 'password' in proof;
      const checkPassword = async () => (byPassword ? await isProven(user, proof, actor.origin?.ip) : true);
      const removal = () =>
        store.transaction(async ({ factors, credentials, audit }) => {
          if (!byPassword && (await spend(factors, factor, proof.code)) === null) return null;
          await factors.removeAllOf(user.id);
          await credentials.setSecondFactor(user.id, false, clock.now());
          await audit.record({ actor, ...on(user.id), action: 'auth.second_factor_disabled' });
          return true;
        });
      const limits = byPassword ? ([ofPassword(user.id)] as const) : ofCodes(user.id, actor.origin?.ip);
      const done = await attempts.attempt(limits, async () => ((await checkPassword()) === null ? null : removal()));
      if (done === null) throw wrong(byPassword ? '/password' : '/code');
    },

    /**
     * The second half of a sign-in. A wrong code leaves the ticket as it was; five of them end it.
     * @throws AppError `second_factor_ticket_invalid`, `second_factor_refused`, `account_inactive`, `too_many_codes`,
     * `config_key_away`
     */
    async signIn(ticket: string, code: string, origin: RequestOrigin): Promise<TokenPair> {
      const found = await tickets.find(ticket);
      const access = found === null ? null : await users.findAccess(found.userId);
      const factor = access === null ? null : await factorOf(access.userId);
      // Sessions that were ended meanwhile, by a new password for example, are ended with this one.
      if (found === null || access === null || found.createdAt < access.tokensValidAfter) {
        throw twoFactorErrors.second_factor_ticket_invalid();
      }
      if (!access.isActive) throw authErrors.account_inactive();
      if (factor === null || !factor.isConfirmed) throw twoFactorErrors.second_factor_ticket_invalid();
      const { userId } = access;
      const refuse = (reason: string) =>
        refusals.record({ actor: null, origin, ...on(userId), action: 'auth.login_failed', details: { reason } });
      const ofTicket = { key: `second-factor-ticket:${found.id}`, ...WRONG, windowMs: TICKET_LIFETIME_MS };
      const used = await attempts
        .attempt([...ofCodes(userId, origin.ip), ofTicket], () =>
          store.transaction(async (transaction) => {
            const kind = await spend(transaction.factors, factor, code);
            if (kind === null) return null;
            if (await transaction.tickets.use(found.id, clock.now())) return kind;
            throw twoFactorErrors.second_factor_ticket_invalid();
          }),
        )
        .catch(async (error: unknown) => {
          if (isAppError(error) && error.kind === 'limited') await refuse(error.code);
          throw error;
        });
      if (used === null) {
        await refuse('second_factor_refused');
        throw twoFactorErrors.second_factor_refused();
      }
      const how = { method: found.method ?? 'password', secondFactor: used, origin };
      const pair = await opening.open(access, found.createdAt, how);
      await users.recordLogin(userId, origin);
      return pair;
    },

    sealed: {
      what: 'second factors',
      list: async () =>
        (await store.factors.list()).map(({ userId, secret }) => ({ context: contextOf(userId), sealed: secret })),
      replace: (context, before, after) =>
        store.transaction(({ factors }) => factors.replaceSecret(Number(context.split(':')[1]), before, after)),
    } satisfies SealedTexts as SealedTexts,
  };
}

function wrong(path: '/code' | '/password') {
  const message = path === '/code' ? 'is not a code that is good now' : 'is not your password';
  return twoFactorErrors.second_factor_wrong({ details: { fields: [{ path, message }] } });
}
