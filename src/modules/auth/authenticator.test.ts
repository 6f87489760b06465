import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createUsersModule, type UserAccess, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createTestSql } from '#test/support/sql.ts';
import type { AccessToken } from './auth.ports.ts';
import { createAuthenticator } from './authenticator.ts';

const refused = { kind: 'unauthenticated', code: 'authentication_required' };

let sql: SqlStore;
let clock: TestClock;
let events: EventBus;
let users: UsersApi;
let userId: number;
let queries: number;
/** Set: a load has read its answer and waits here before it returns. */
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
  events = createEventBus(silentLogger);
  users = createUsersModule({ sql, audit: createAuditTrail({ sql, clock }), clock, events }).api;
  userId = (await users.create({ email: 'a@example.com', password: 'correct horse', role: 'ADMIN' })).id;
  queries = 0;
  gate = undefined;
});
afterEach(() => sql.stop?.(AbortSignal.timeout(1000)));

/** Tokens are `userId@issuedAt` here: signatures are tested elsewhere. */
function setup() {
  return createAuthenticator({
    tokens: {
      lifetime: 60,
      issue: () => '',
      verify(token): AccessToken {
        const [user, issuedAt] = token.split('@').map(Number);
        return { userId: user ?? 0, issuedAt: issuedAt ?? 0, expiresAt: (issuedAt ?? 0) + 60_000 };
      },
    },
    users: countingUsers,
    events,
    clock,
  });
}
const token = (issuedAt = clock.now()) => `${userId}@${issuedAt}`;

describe('authenticator', () => {
  test('says who it is and until when', async () => {
    const { bearer, describe: say } = setup();
    expect(await bearer(token())).toEqual({ userId, role: 'ADMIN' });
    expect(await say(token())).toEqual({ principal: { userId, role: 'ADMIN' }, expiresAt: clock.now() + 60_000 });
  });

  test('asks the store once, also for many at the same time', async () => {
    const { bearer } = setup();
    await Promise.all(Array.from({ length: 20 }, () => bearer(token())));
    await bearer(token());
    expect(queries).toBe(1);
  });

  test('nobody is refused, and remembered', async () => {
    const { bearer } = setup();
    await expect(bearer('999@0')).rejects.toMatchObject(refused);
    await expect(bearer('999@0')).rejects.toMatchObject(refused);
    expect(queries).toBe(1);
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

  test('an event of another user forgets nothing', async () => {
    const { bearer } = setup();
    await bearer(token());
    events.emit('user.updated', clock.now(), { user_id: userId + 1 });
    await bearer(token());
    expect(queries).toBe(1);
    events.emit('user.updated', clock.now(), { user_id: userId });
    await bearer(token());
    expect(queries).toBe(2);
  });

  test('what another process changed is noticed after a while', async () => {
    const { bearer } = setup();
    const early = token();
    await bearer(early);
    const elsewhere = createUsersModule({
      sql,
      audit: createAuditTrail({ sql, clock }),
      clock,
      events: createEventBus(silentLogger),
    }).api;
    await elsewhere.endSessions({ userId, role: 'USER' });
    expect(await bearer(early)).toMatchObject({ userId });
    clock.advance(5_000);
    await expect(bearer(early)).rejects.toMatchObject(refused);
  });

  test('what may have been missed counts at once', async () => {
    const { bearer } = setup();
    const early = token();
    await bearer(early);
    const elsewhere = createUsersModule({
      sql,
      audit: createAuditTrail({ sql, clock }),
      clock,
      events: createEventBus(silentLogger),
    }).api;
    await elsewhere.endSessions({ userId, role: 'USER' });
    events.emit('relay.gap', clock.now(), {});
    await expect(bearer(early)).rejects.toMatchObject(refused);
  });

  test('what was being read when something may have been missed is not kept', async () => {
    const { bearer } = setup();
    const { promise, resolve: open } = Promise.withResolvers<void>();
    gate = promise;
    const slow = bearer(token());
    while (queries === 0) await Promise.resolve();
    events.emit('relay.gap', clock.now(), {});
    gate = undefined;
    open();
    await slow;
    await bearer(token());
    expect(queries).toBe(2);
  });

  test('a state that was read before a change is not kept after it', async () => {
    const { bearer } = setup();
    const { promise, resolve: open } = Promise.withResolvers<void>();
    const early = token();
    gate = promise;
    const slow = bearer(early);
    while (queries === 0) await Promise.resolve();
    // The load has started; it has read the old state by the time that this change is committed and told.
    await users.endSessions({ userId, role: 'USER' });
    gate = undefined;
    await expect(bearer(early)).rejects.toMatchObject(refused);
    open();
    await slow.catch(() => {});
    await expect(bearer(early)).rejects.toMatchObject(refused);
    expect(queries).toBe(2);
  });

  test('a load that failed is tried again', async () => {
    const { bearer } = setup();
    gate = Promise.reject(new Error('away'));
    gate.catch(() => {});
    await expect(bearer(token())).rejects.toThrow('away');
    gate = undefined;
    expect(await bearer(token())).toMatchObject({ userId });
  });
});
