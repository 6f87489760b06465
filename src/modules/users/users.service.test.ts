import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Principal, UserRole } from '#kernel/access.ts';
import { createEventBus, type DomainEvent } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { recordEvents } from '#test/support/events.ts';
import { createTestSql } from '#test/support/sql.ts';
import { NO_TOKENS } from '#test/support/users.ts';
import { createAttempts } from './attempts.ts';
import { usersMigrations } from './index.ts';
import { createPasswordHasher } from './password.ts';
import { userErrors } from './users.errors.ts';
import { createUserStore } from './users.repository.ts';
import { createUsersService, type UsersService } from './users.service.ts';

const PASSWORD = 'correct horse';

let sql: SqlStore;
let clock: TestClock;
let events: DomainEvent[];
let users: UsersService;

beforeEach(async () => {
  sql = await createTestSql(usersMigrations);
  clock = createTestClock();
  const bus = createEventBus(silentLogger);
  events = recordEvents(bus, 'user.created', 'user.updated', 'user.access_changed');
  const audit = createAuditTrail({ sql, clock });
  users = createUsersService({
    store: createUserStore(sql, audit, NO_TOKENS),
    passwords: createPasswordHasher(),
    mails: { isOn: false, send: async () => {}, linkTo: (_purpose, token) => token },
    attempts: createAttempts({
      counters: createMemoryCounters({ clock }),
      refusal: () => userErrors.too_many_wrong_passwords(),
    }),
    clock,
    events: bus,
  });
});
afterEach(() => sql.stop?.(AbortSignal.timeout(1000)));

async function person(role: UserRole, email = `${role}@example.com`): Promise<Principal> {
  const { id } = await users.create({ email, password: PASSWORD, role });
  events.length = 0;
  return { userId: id, role };
}

const emitted = () => events.map(({ type, data }) => [type, data]);

describe('create', () => {
  test('normalises the e-mail and tells', async () => {
    const user = await users.create({ email: ' A.B@Example.com\n', password: PASSWORD, role: 'USER' });
    expect(user).toMatchObject({
      email: 'a.b@example.com',
      role: 'USER',
      isActive: true,
      isVerified: false,
    });
    expect(user.createdAt).toBe(clock.now());
    expect(emitted()).toEqual([['user.created', { user_id: user.id, role: 'USER' }]]);
    expect(await users.findByEmail('A.B@EXAMPLE.com')).toEqual(user);
  });

  test('of ten at once with one e-mail, one wins', async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, () => users.create({ email: 'a@example.com', password: PASSWORD, role: 'USER' })),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'email_taken' });
    }
    expect(events).toHaveLength(1);
  });

  test.each(['', 'a', 'a@b', 'a b@example.com', 'a@@example.com', 'a@example..com', `${'a'.repeat(250)}@example.com`])(
    'refuses the e-mail %j',
    async (email) => {
      await expect(users.create({ email, password: PASSWORD, role: 'USER' })).rejects.toMatchObject({
        code: 'invalid_input',
      });
    },
  );
});

describe('verifyPassword', () => {
  test('the user for the right password, null otherwise', async () => {
    const { userId } = await person('USER', 'a@example.com');
    expect(await users.verifyPassword({ email: 'A@example.com', password: PASSWORD })).toEqual({
      userId,
      role: 'USER',
      isActive: true,
      tokensValidAfter: 0,
      credentialsVersion: 0,
      hasSecondFactor: false,
    });
    expect(await users.verifyPassword({ email: 'a@example.com', password: 'wrong horse' })).toBeNull();
    expect(await users.verifyPassword({ email: 'b@example.com', password: PASSWORD })).toBeNull();
  });

  test('nobody takes as much work as a wrong password', async () => {
    await person('USER', 'a@example.com');
    const fastest = { nobody: Number.POSITIVE_INFINITY, somebody: Number.POSITIVE_INFINITY };
    // In turns, so that whatever else the machine does slows both alike.
    for (let round = 0; round < 8; round++) {
      for (const [who, email] of [
        ['nobody', 'nobody@example.com'],
        ['somebody', 'a@example.com'],
      ] as const) {
        const before = performance.now();
        await users.verifyPassword({ email, password: 'wrong horse' });
        fastest[who] = Math.min(fastest[who], performance.now() - before);
      }
    }
    const ratio = fastest.nobody / fastest.somebody;
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  test('a deleted user is nobody, an inactive one is known', async () => {
    const admin = await person('ADMIN');
    const { userId } = await person('USER', 'a@example.com');
    await users.update(admin, userId, { isActive: false });
    expect(await users.verifyPassword({ email: 'a@example.com', password: PASSWORD })).toMatchObject({
      isActive: false,
    });
    await users.remove(admin, userId);
    expect(await users.verifyPassword({ email: 'a@example.com', password: PASSWORD })).toBeNull();
    expect(await users.findAccess(userId)).toBeNull();
    expect(await users.exists(userId)).toBe(false);
  });
});

test('contacts are active users, by ids or roles, page by page', async () => {
  const admin = await person('ADMIN', 'admin@example.com');
  const boss = await person('SUPERADMIN', 'boss@example.com');
  const [one, two, off, gone] = [
    await person('USER', 'one@example.com'),
    await person('USER', 'two@example.com'),
    await person('USER', 'off@example.com'),
    await person('MANAGER', 'gone@example.com'),
  ];
  await users.update(boss, off.userId, { isActive: false });
  await users.remove(boss, gone.userId);
  const found = async (query: Partial<Parameters<UsersService['listContacts']>[0]>) =>
    (await users.listContacts({ afterId: 0, limit: 100, ...query })).map(({ userId }) => userId);
  expect(await found({})).toEqual([admin.userId, boss.userId, one.userId, two.userId]);
  expect(await found({ roles: ['ADMIN', 'MANAGER'] })).toEqual([admin.userId]);
  expect(await found({ ids: [two.userId, off.userId, 9_999] })).toEqual([two.userId]);
  expect(await found({ ids: [two.userId], roles: ['SUPERADMIN'] })).toEqual([boss.userId, two.userId]);
  expect(await found({ ids: [], roles: [] })).toEqual([]);
  expect(await found({ ids: [], roles: ['ADMIN'] })).toEqual([admin.userId]);
  expect(await found({ limit: 2 })).toEqual([admin.userId, boss.userId]);
  expect(await found({ limit: 2, afterId: boss.userId })).toEqual([one.userId, two.userId]);
  expect(await users.listContacts({ ids: [one.userId], afterId: 0, limit: 1 })).toEqual([
    { userId: one.userId, email: 'one@example.com', isVerified: false, language: 'en' },
  ]);
});

describe('access changes', () => {
  test('a new role is told, tokens stay', async () => {
    const admin = await person('ADMIN');
    const { userId } = await person('MANAGER');
    await users.update(admin, userId, { role: 'USER' });
    expect(emitted()).toEqual([
      ['user.updated', { user_id: userId }],
      ['user.access_changed', { user_id: userId, reason: 'role_changed' }],
    ]);
    expect(await users.findAccess(userId)).toMatchObject({ role: 'USER', tokensValidAfter: 0 });
  });

  test('deactivating voids tokens for good', async () => {
    const admin = await person('ADMIN');
    const { userId } = await person('USER');
    await users.update(admin, userId, { isActive: false });
    expect(emitted()).toContainEqual(['user.access_changed', { user_id: userId, reason: 'deactivated' }]);
    await users.update(admin, userId, { isActive: true });
    expect(await users.findAccess(userId)).toMatchObject({ isActive: true, tokensValidAfter: clock.now() + 1 });
  });

  test('a profile change is no access change', async () => {
    const { userId } = await person('USER');
    clock.advance(1000);
    const user = await users.updateProfile({ userId, role: 'USER' }, { fullName: 'x' });
    expect(user.updatedAt).toBe(clock.now());
    expect(user.createdAt).toBe(clock.now() - 1000);
    expect(emitted()).toEqual([['user.updated', { user_id: userId }]]);
  });

  test('what is refused emits nothing', async () => {
    const admin = await person('ADMIN');
    const other = await person('ADMIN', 'other@example.com');
    await expect(users.update(admin, other.userId, { role: 'USER' })).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(users.remove(admin, other.userId)).rejects.toMatchObject({ kind: 'forbidden' });
    expect(events).toEqual([]);
  });

  test('deleting', async () => {
    const admin = await person('ADMIN');
    const { userId } = await person('USER');
    await users.remove(admin, userId);
    expect(emitted()).toEqual([['user.access_changed', { user_id: userId, reason: 'deleted' }]]);
  });

  test('a new password ends sessions; only one of two concurrent changes wins', async () => {
    const { userId } = await person('USER', 'a@example.com');
    const changes = await Promise.allSettled([
      users.changePassword({ userId, role: 'USER' }, { currentPassword: PASSWORD, newPassword: 'second horse' }),
      users.changePassword({ userId, role: 'USER' }, { currentPassword: PASSWORD, newPassword: 'third horse' }),
    ]);
    expect(changes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(emitted()).toEqual([
      ['user.updated', { user_id: userId }],
      ['user.access_changed', { user_id: userId, reason: 'password_changed' }],
    ]);
    expect(await users.verifyPassword({ email: 'a@example.com', password: PASSWORD })).toBeNull();
    expect(await users.findAccess(userId)).toMatchObject({ tokensValidAfter: clock.now() + 1 });
  });

  test('the instant that voids tokens moves forwards, even when the clock does not', async () => {
    const { userId } = await person('USER');
    const start = clock.now();
    await users.endSessions({ userId, role: 'USER' });
    await users.endSessions({ userId, role: 'USER' });
    expect(await users.findAccess(userId)).toMatchObject({ tokensValidAfter: start + 2 });
    clock.advance(-60_000);
    await users.endSessions({ userId, role: 'USER' });
    expect(await users.findAccess(userId)).toMatchObject({ tokensValidAfter: start + 3 });
    expect(emitted()).toContainEqual(['user.access_changed', { user_id: userId, reason: 'sessions_ended' }]);
  });

  test('recordLogin', async () => {
    const { userId } = await person('USER');
    clock.advance(5);
    await users.recordLogin(userId, { ip: '192.0.2.1', requestId: 'r', language: 'ko' });
    // A client that says nothing about it changes nothing of it.
    await users.recordLogin(userId);
    expect(await users.listContacts({ ids: [userId], afterId: 0, limit: 1 })).toMatchObject([{ language: 'ko' }]);
    expect(await users.get(userId)).toMatchObject({ lastLoginAt: clock.now(), updatedAt: clock.now() - 5 });
  });
});

describe('the current password', () => {
  const change = (actor: Principal, currentPassword: string) =>
    users.changePassword(actor, { currentPassword, newPassword: 'another horse' });

  test('can be guessed five times in 15 minutes by who is signed in, and every guess is in the audit trail', async () => {
    const user = await person('USER');
    const other = await person('USER', 'other@example.com');
    for (let guess = 0; guess < 5; guess += 1) {
      await expect(change(user, 'wrong')).rejects.toMatchObject({ code: 'wrong_password' });
    }
    await expect(change(user, PASSWORD)).rejects.toMatchObject({ code: 'too_many_wrong_passwords' });
    const refused = (await auditedOn(sql)).filter(({ action }) => action === 'user.password_change_refused');
    expect(refused).toHaveLength(5);
    expect(refused[0]).toMatchObject({ userId: user.userId, resourceId: String(user.userId), details: {} });
    await change(other, PASSWORD);
    clock.advance(15 * 60_000);
    await change(user, PASSWORD);
  });
});

describe('the last active SUPERADMIN', () => {
  test('can be neither demoted, deactivated nor deleted', async () => {
    const last = await person('SUPERADMIN');
    const refused = { kind: 'conflict', code: 'last_superadmin' };
    await expect(users.update(last, last.userId, { role: 'ADMIN' })).rejects.toMatchObject(refused);
    await expect(users.update(last, last.userId, { isActive: false })).rejects.toMatchObject(refused);
    await expect(users.remove(last, last.userId)).rejects.toMatchObject(refused);
    expect(
      await users.update(last, last.userId, { fullName: 'Last', role: 'SUPERADMIN', isActive: true }),
    ).toMatchObject({
      role: 'SUPERADMIN',
      isActive: true,
      fullName: 'Last',
    });
  });

  test('an inactive or deleted one does not count', async () => {
    const [first, second, third] = await Promise.all([
      person('SUPERADMIN', 'a@example.com'),
      person('SUPERADMIN', 'b@example.com'),
      person('SUPERADMIN', 'c@example.com'),
    ]);
    await users.update(second, second.userId, { isActive: false });
    await users.remove(third, third.userId);
    await expect(users.remove(first, first.userId)).rejects.toMatchObject({ code: 'last_superadmin' });
  });

  test('of several that leave at the same time, one stays', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => person('SUPERADMIN', `${name}@example.com`)));
    const leaving = await Promise.allSettled(
      all.map((one, index) =>
        index % 2 === 0 ? users.remove(one, one.userId) : users.update(one, one.userId, { role: 'USER' }),
      ),
    );
    expect(leaving.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await users.list({ page: 1, size: 10, role: 'SUPERADMIN', isActive: true })).toMatchObject({ total: 1 });
  });
});

describe('an actor that lost its role while its request was on its way', () => {
  const forbidden = { code: 'user_not_manageable' };

  test('does what it may do now', async () => {
    const root = await person('SUPERADMIN');
    const admin = await person('ADMIN');
    const manager = await person('MANAGER');
    await users.update(root, admin.userId, { role: 'USER' });
    await expect(users.update(admin, manager.userId, { isActive: false })).rejects.toMatchObject(forbidden);
    await expect(users.remove(admin, manager.userId)).rejects.toMatchObject(forbidden);
    await expect(
      users.createAs(admin, { email: 'new@example.com', password: PASSWORD, role: 'MANAGER' }),
    ).rejects.toMatchObject({ code: 'role_not_grantable' });
    expect(await users.findByEmail('new@example.com')).toBeNull();
  });

  test('does nothing when it is not active any more', async () => {
    const root = await person('SUPERADMIN');
    const admin = await person('ADMIN');
    const { userId } = await person('USER');
    await users.update(root, admin.userId, { isActive: false });
    await expect(users.remove(admin, userId)).rejects.toMatchObject({ code: 'authentication_required' });
    expect(await users.exists(userId)).toBe(true);
  });

  test('of a promotion and a change by an ADMIN at the same time, no order lets the ADMIN change its equal', async () => {
    const root = await person('SUPERADMIN');
    const admin = await person('ADMIN');
    for (let round = 0; round < 5; round += 1) {
      const { userId } = await person('USER', `user-${round}@example.com`);
      const [promoted, changed] = await Promise.allSettled([
        users.update(root, userId, { role: 'ADMIN' }),
        users.update(admin, userId, { isActive: false }),
      ]);
      expect(promoted.status).toBe('fulfilled');
      if (changed.status === 'rejected') expect(changed.reason).toMatchObject(forbidden);
      // It came first, or not at all.
      expect(await users.get(userId)).toMatchObject({ role: 'ADMIN', isActive: changed.status === 'rejected' });
    }
  });
});

describe('ensureSuperuser', () => {
  test('creates, and again promotes and re-activates with the new password', async () => {
    const first = await users.ensureSuperuser({ email: 'Root@example.com', password: PASSWORD });
    expect(first).toMatchObject({ outcome: 'created' });
    expect(await users.get(first.userId)).toMatchObject({ role: 'SUPERADMIN', isVerified: true, isActive: true });

    const admin = await person('SUPERADMIN');
    const { userId } = await person('USER', 'someone@example.com');
    await users.update(admin, userId, { isActive: false });
    events.length = 0;
    const second = await users.ensureSuperuser({
      email: 'someone@example.com',
      password: 'another horse',
      resetPassword: true,
    });
    expect(second).toEqual({ userId, outcome: 'updated' });
    expect(await users.verifyPassword({ email: 'someone@example.com', password: 'another horse' })).toMatchObject({
      role: 'SUPERADMIN',
      isActive: true,
    });
    expect(emitted()).toContainEqual(['user.access_changed', { user_id: userId, reason: 'password_changed' }]);
  });

  test('changes nobody who exists without being told to, and says what there is', async () => {
    const root = await person('SUPERADMIN');
    const active = await person('USER', 'active@example.com');
    const gone = await person('ADMIN', 'gone@example.com');
    await users.update(root, gone.userId, { isActive: false });
    const ensure = (email: string, password: string) => users.ensureSuperuser({ email, password });
    for (const [email, detail] of [
      ['SUPERADMIN@example.com', /is a SUPERADMIN already, with another password/],
      ['active@example.com', /exists and is a USER/],
      ['gone@example.com', /exists and is an inactive ADMIN/],
    ] as const) {
      await expect(ensure(email, 'another horse')).rejects.toMatchObject({
        code: 'email_taken',
        message: expect.stringMatching(detail),
      });
      expect(await users.verifyPassword({ email, password: PASSWORD })).not.toBeNull();
    }
    expect(await ensure('superadmin@example.com', PASSWORD)).toEqual({ userId: root.userId, outcome: 'exists' });
    expect(await users.get(active.userId)).toMatchObject({ role: 'USER' });
  });

  test('refuses a bad e-mail and a short password', async () => {
    await expect(users.ensureSuperuser({ email: 'root', password: PASSWORD })).rejects.toMatchObject({
      kind: 'invalid',
    });
    await expect(users.ensureSuperuser({ email: 'r@example.com', password: 'short' })).rejects.toMatchObject({
      kind: 'invalid',
    });
  });
});
