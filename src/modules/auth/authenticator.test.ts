import { sql as raw } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { type UserAccess, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createTestUsers } from '#test/support/users.ts';
import type { AccessToken } from './auth.ports.ts';
import { createAuthenticator } from './authenticator.ts';

const refused = { kind: 'unauthenticated', code: 'authentication_required' };

let sql: SqlStore;
let clock: TestClock;
let users: UsersApi;
let userId: number;
let queries: number;
let sessionQueries: number;
/** Sessions that have ended, and when. */
let ended: Map<string, number>;
/** Set: what was read waits here before it is used. */
let gate: Promise<void> | undefined;

const countingUsers = {
  async findAccess(id: number): Promise<UserAccess | null> {
    queries += 1;
    const access = await users.findAccess(id);
    await gate;
    return access;
  },
};

beforeEach(async () => {
  sql = await createTestSql(usersMigrations);
  clock = createTestClock();
  users = createTestUsers({
    sql,
    audit: createAuditTrail({ sql, clock }),
    clock,
    events: createEventBus(silentLogger),
  }).api;
  userId = (await users.create({ email: 'a@example.com', password: 'correct horse', role: 'ADMIN' })).id;
  queries = 0;
  sessionQueries = 0;
  ended = new Map();
  gate = undefined;
});
afterEach(() => sql.stop?.(AbortSignal.timeout(1000)));

/** Tokens are `userId@issuedAt@sessionId` here: signatures are tested elsewhere. */
function setup(changeToken: () => string | null = () => sql.changeToken()) {
  return createAuthenticator({
    tokens: {
      lifetime: 60,
      issue: () => '',
      verify(token): AccessToken {
        const [user, issuedAt = 0, sessionId] = token.split('@');
        const instant = Number(issuedAt);
        return { userId: Number(user), issuedAt: instant, expiresAt: instant + 60_000, sessionId: sessionId ?? null };
      },
    },
    personalTokens: { verify: async () => null },
    sessions: () => ({
      async endedSince(_, since) {
        sessionQueries += 1;
        return [...ended].filter(([, at]) => at >= since).map(([family]) => family);
      },
    }),
    users: countingUsers,
    changeToken,
    clock,
  });
}
const token = (issuedAt = clock.now()) => `${userId}@${issuedAt}`;

describe('authenticator', () => {
  test('says who it is and until when', async () => {
    const { bearer, describe: say } = setup();
    const credential = { kind: 'session', sessionId: null };
    const principal = { userId, role: 'ADMIN', credential };
    expect(await bearer(token())).toEqual(principal);
    expect(await say(token())).toEqual({ principal, expiresAt: clock.now() + 60_000 });
  });

  test('asks for a user once while the store says that nothing has changed', async () => {
    let changes = 0;
    const { bearer } = setup(() => String(changes));
    await bearer(token());
    await bearer(token());
    await expect(bearer('999@0')).rejects.toMatchObject(refused);
    await expect(bearer('999@0')).rejects.toMatchObject(refused);
    expect(queries).toBe(2);
    changes += 1;
    await bearer(token());
    expect(queries).toBe(3);
  });

  test('asks a store that cannot tell each time', async () => {
    const { bearer } = setup(() => null);
    await bearer(token());
    await bearer(token());
    expect(queries).toBe(2);
  });

  test('a token from before the end of the sessions is refused, one of the instant after it is not', async () => {
    const { bearer } = setup();
    const before = token();
    await bearer(before);
    await users.endSessions({ userId, role: 'USER' });
    await expect(bearer(before)).rejects.toMatchObject(refused);
    const { tokensValidAfter = 0 } = (await users.findAccess(userId)) ?? {};
    expect(await bearer(token(tokensValidAfter))).toMatchObject({ userId });
  });

  test('what somebody else changed in the store counts at once, though nobody tells', async () => {
    const { bearer } = setup();
    const early = token();
    await bearer(early);
    await raw`update users set role = 'USER' where id = ${userId}`.execute(sql.db());
    expect(await bearer(early)).toMatchObject({ userId, role: 'USER' });
    await raw`update users set tokens_valid_after = ${clock.now() + 1} where id = ${userId}`.execute(sql.db());
    await expect(bearer(early)).rejects.toMatchObject(refused);
  });

  test('a state that was read before a change is not used for a request after it', async () => {
    const { bearer } = setup();
    const { promise, resolve: open } = Promise.withResolvers<void>();
    const early = token();
    gate = promise;
    const slow = bearer(early);
    while (queries === 0) await Promise.resolve();
    await users.endSessions({ userId, role: 'USER' });
    gate = undefined;
    await expect(bearer(early)).rejects.toMatchObject(refused);
    open();
    await slow.catch(() => {});
    await expect(bearer(early)).rejects.toMatchObject(refused);
  });

  test('the token of a session that has ended is refused, those of others are not', async () => {
    const { bearer } = setup(() => null);
    const [one, other] = [`${token()}@one`, `${token()}@other`];
    await bearer(one);
    expect(sessionQueries).toBe(0);
    ended.set('one', clock.now());
    await users.credentialsOn(sql.db()).changed(userId);
    await expect(bearer(one)).rejects.toMatchObject(refused);
    expect(await bearer(other)).toMatchObject({ userId, credential: { kind: 'session', sessionId: 'other' } });
    // Once for all of the user's tokens, until another one ends.
    expect(sessionQueries).toBe(1);
    ended.set('other', clock.now());
    await users.credentialsOn(sql.db()).changed(userId);
    await expect(bearer(other)).rejects.toMatchObject(refused);
    expect(sessionQueries).toBe(2);
  });

  test('a question that failed is asked again', async () => {
    const { bearer } = setup();
    gate = Promise.reject(new Error('away'));
    gate.catch(() => {});
    await expect(bearer(token())).rejects.toThrow('away');
    gate = undefined;
    expect(await bearer(token())).toMatchObject({ userId });
  });
});
