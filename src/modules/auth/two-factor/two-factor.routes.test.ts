import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserRole } from '#kernel/access.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import { codeOf } from '#test/support/totp.ts';

const PASSWORD = 'correct horse';
const STEP_MS = 30_000;

let t: TestAuth;
beforeEach(async () => {
  t = await createTestAuth({});
});
afterEach(() => t.close());

const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, as?: string) =>
  t.request({ method, url: `/api/v1${path}`, ...(body && { body }), ...(as && { as }) });
const login = (email: string, password = PASSWORD) => call('POST', '/auth/login', { email, password });
const second = (ticket: string, code: string) => call('POST', '/auth/login/2fa', { ticket, code });
const problemOf = (answer: { json(): { status: number; code: string } }) => {
  const { status, code } = answer.json();
  return [status, code];
};
const actions = async () => (await auditedOn(t.sql)).map(({ action }) => action);

interface Enrolled {
  readonly id: number;
  readonly email: string;
  readonly token: string;
  readonly recoveryCodes: readonly string[];
  /** The code of now, or of a few steps away. */
  code(stepsAway?: number): string;
  /** The ticket of a sign-in with the right password. */
  ticket(): Promise<string>;
}

async function person(role: UserRole) {
  const email = `${role.toLowerCase()}@example.com`;
  const { id } = await t.users.create({ email, password: PASSWORD, role });
  return { id, email, token: (await login(email)).json().access_token as string };
}

async function enrolled(role: UserRole = 'USER'): Promise<Enrolled> {
  const { id, email, token } = await person(role);
  const begun = await call('POST', '/auth/2fa/totp', undefined, token);
  const { secret } = begun.json();
  const code = (stepsAway = 0) => codeOf(secret, t.clock.now(), stepsAway);
  const confirmed = await call('POST', '/auth/2fa/totp/confirm', { code: code() }, token);
  expect(confirmed.status, confirmed.text).toBe(200);
  // Each code is good once.
  t.clock.advance(STEP_MS);
  const ticket = async () => {
    const asked = await login(email);
    expect(problemOf(asked)).toEqual([401, 'second_factor_required']);
    return asked.json().ticket as string;
  };
  return { id, email, token, recoveryCodes: confirmed.json().recovery_codes, code, ticket };
}

describe('switching it on', () => {
  test('takes a first code, answers ten recovery codes, and is seen at /users/me', async () => {
    const { token, email } = await person('USER');
    const begun = await call('POST', '/auth/2fa/totp', undefined, token);
    expect([begun.status, begun.headers['cache-control']]).toEqual([201, 'no-store']);
    expect(begun.json().otpauth_url).toContain(`secret=${begun.json().secret}`);
    expect((await call('GET', '/users/me', undefined, token)).json()).toMatchObject({ two_factor_enabled: false });
    // Nothing has changed yet.
    expect((await login(email)).status).toBe(200);
    const { secret } = begun.json();
    const code = codeOf(secret, t.clock.now());
    const confirmed = await call('POST', '/auth/2fa/totp/confirm', { code }, token);
    expect(new Set(confirmed.json().recovery_codes).size).toBe(10);
    expect((await call('GET', '/users/me', undefined, token)).json()).toMatchObject({ two_factor_enabled: true });
    expect(await actions()).toContain('auth.second_factor_enabled');
    const stored = JSON.stringify(
      await t.sql.db<{ second_factors: object }>().selectFrom('second_factors').selectAll().execute(),
    );
    expect(stored).not.toContain(secret);
  });

  test('a wrong code changes nothing; asked for again the secret is another one', async () => {
    const { token } = await person('USER');
    expect(problemOf(await call('POST', '/auth/2fa/totp/confirm', { code: '000000' }, token))).toEqual([
      409,
      'second_factor_not_begun',
    ]);
    const first = (await call('POST', '/auth/2fa/totp', undefined, token)).json().secret as string;
    const again = (await call('POST', '/auth/2fa/totp', undefined, token)).json().secret as string;
    const confirm = (secret: string) =>
      call('POST', '/auth/2fa/totp/confirm', { code: codeOf(secret, t.clock.now()) }, token);
    const wrong = await confirm(first);
    expect(problemOf(wrong)).toEqual([422, 'second_factor_wrong']);
    expect(wrong.json().errors).toMatchObject([{ path: '/code' }]);
    expect((await confirm(again)).status).toBe(200);
    expect(problemOf(await confirm(again))).toEqual([409, 'second_factor_on']);
    expect(problemOf(await call('POST', '/auth/2fa/totp', undefined, token))).toEqual([409, 'second_factor_on']);
  });
});

describe('signing in', () => {
  test('takes the password and a code, which is good once', async () => {
    const kim = await enrolled();
    const [one, two] = [await kim.ticket(), await kim.ticket()];
    const code = kim.code();
    const pair = await second(one, code);
    expect(pair.status, pair.text).toBe(200);
    expect((await call('GET', '/users/me', undefined, pair.json().access_token)).json()).toMatchObject({ id: kim.id });
    const { items } = await t.audit.list({ page: 1, size: 1, action: 'auth.login_succeeded' });
    expect(items[0]?.details).toEqual({ method: 'password', second_factor: 'totp' });
    // Neither the code again, nor one from before it.
    expect(problemOf(await second(two, code))).toEqual([401, 'second_factor_refused']);
    expect(problemOf(await second(two, kim.code(-1)))).toEqual([401, 'second_factor_refused']);
    expect((await second(two, kim.code(1))).status).toBe(200);
  });

  test('a ticket is good once, for five minutes, and only in its place', async () => {
    const kim = await enrolled();
    const invalid = [401, 'second_factor_ticket_invalid'];
    const used = await kim.ticket();
    expect((await second(used, kim.code())).status).toBe(200);
    t.clock.advance(STEP_MS);
    expect(problemOf(await second(used, kim.code()))).toEqual(invalid);
    expect(problemOf(await second('made-up', kim.code()))).toEqual(invalid);
    const late = await kim.ticket();
    t.clock.advance(5 * 60_000);
    expect(problemOf(await second(late, kim.code()))).toEqual(invalid);
    const misused = await kim.ticket();
    const reset = await call('POST', '/auth/password/reset', { token: misused, new_password: 'another horse' });
    expect(problemOf(reset)).toEqual([422, 'token_invalid']);
    expect(problemOf(await call('POST', '/auth/oauth/token', { code: misused }))).toEqual([401, 'oauth_code_invalid']);
  });

  test('one code at many tickets at once opens one session', async () => {
    const kim = await enrolled();
    const tickets = await Promise.all(Array.from({ length: 4 }, () => kim.ticket()));
    const answers = await Promise.all(tickets.map((ticket) => second(ticket, kim.code())));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  });

  test('five wrong codes for one user are enough, whatever the tickets', async () => {
    const kim = await enrolled();
    for (let count = 0; count < 5; count += 1) {
      expect(problemOf(await second(await kim.ticket(), '000000'))).toEqual([401, 'second_factor_refused']);
    }
    const limited = await second(await kim.ticket(), kim.code());
    expect(problemOf(limited)).toEqual([429, 'too_many_codes']);
    expect(limited.headers['retry-after']).toBe('900');
    const { items } = await t.audit.list({ page: 1, size: 20, action: 'auth.login_failed' });
    expect(items.map(({ details }) => details['reason'])).toEqual([
      'too_many_codes',
      ...Array(5).fill('second_factor_refused'),
    ]);
    t.clock.advance(900_000);
    expect((await second(await kim.ticket(), kim.code())).status).toBe(200);
  });

  test('many addresses get fifty guesses a day at a second factor; the owner signs in meanwhile from where it was before', async () => {
    await t.close();
    t = await createTestAuth({ server: { trustProxy: true } });
    const at = (address: string) => ({ 'x-forwarded-for': address });
    const from = (path: string, body: object, address: string) =>
      t.request({ method: 'POST', url: `/api/v1/auth${path}`, body, headers: at(address) });
    const kim = await enrolled();
    const finish = async (code: string, address: string) => {
      const { ticket } = (await from('/login', { email: kim.email, password: PASSWORD }, address)).json();
      return await from('/login/2fa', { ticket, code }, address);
    };
    const [home, hotel] = ['203.0.113.7', '198.51.100.9'];
    expect((await finish(kim.code(), home)).status).toBe(200);
    t.clock.advance(STEP_MS);
    let checked = 0;
    for (let address = 1; address <= 12; address += 1) {
      for (let guess = 0; guess < 5; guess += 1) {
        const { status } = await finish('000000', `192.0.2.${address}`);
        expect([401, 429]).toContain(status);
        if (status === 401) checked += 1;
      }
    }
    expect(checked).toBe(50);
    const stranger = await finish(kim.code(), hotel);
    expect(problemOf(stranger)).toEqual([429, 'too_many_codes']);
    expect(Number(stranger.headers['retry-after'])).toBeLessThanOrEqual(86_400);
    expect((await finish(kim.code(), home)).status).toBe(200);
    t.clock.advance(86_400_000);
    expect((await finish(kim.code(), hotel)).status).toBe(200);
  });

  test('a recovery code is good once, in place of a code, with or without hyphens', async () => {
    const kim = await enrolled();
    const [first = '', other = ''] = kim.recoveryCodes;
    expect((await second(await kim.ticket(), first)).status).toBe(200);
    expect(problemOf(await second(await kim.ticket(), first))).toEqual([401, 'second_factor_refused']);
    expect((await second(await kim.ticket(), other.replaceAll('-', '').toLowerCase())).status).toBe(200);
    const { items } = await t.audit.list({ page: 1, size: 1, action: 'auth.login_succeeded' });
    expect(items[0]?.details).toMatchObject({ second_factor: 'recovery_code' });
  });

  test('what ends sessions ends tickets: a new password, signing out, deactivation', async () => {
    const kim = await enrolled();
    const admin = await person('ADMIN');
    const before = await kim.ticket();
    await call('POST', '/auth/logout', undefined, kim.token);
    expect(problemOf(await second(before, kim.code()))).toEqual([401, 'second_factor_ticket_invalid']);
    const held = await kim.ticket();
    const patch = { method: 'PATCH', url: `/api/v1/users/${kim.id}`, as: admin.token } as const;
    await t.request({ ...patch, body: { is_active: false } });
    await t.request({ ...patch, body: { is_active: true } });
    expect(problemOf(await second(held, kim.code()))).toEqual([401, 'second_factor_ticket_invalid']);
    expect((await second(await kim.ticket(), kim.code())).status).toBe(200);
  });

  test('a wrong password says nothing of a second factor', async () => {
    const kim = await enrolled();
    expect(problemOf(await login(kim.email, 'wrong horse'))).toEqual([401, 'invalid_credentials']);
  });

  test('a new password by mail leaves the second factor on', async () => {
    const kim = await enrolled();
    const root = await person('SUPERADMIN');
    const { link } = (await call('POST', `/users/${kim.id}/password-reset`, undefined, root.token)).json();
    const token = link.split('#token=')[1];
    const reset = await call('POST', '/auth/password/reset', { token, new_password: 'another horse' });
    expect(reset.status).toBe(202);
    expect(problemOf(await login(kim.email, 'another horse'))).toEqual([401, 'second_factor_required']);
  });
});

describe('switching it off', () => {
  test.each(['password', 'code', 'recovery code'])('takes a %s', async (what) => {
    const kim = await enrolled();
    const proof =
      what === 'password' ? { password: PASSWORD } : { code: what === 'code' ? kim.code() : kim.recoveryCodes[0] };
    expect((await call('DELETE', '/auth/2fa/totp', proof, kim.token)).status).toBe(204);
    expect((await login(kim.email)).status).toBe(200);
    expect((await call('GET', '/users/me', undefined, kim.token)).json()).toMatchObject({ two_factor_enabled: false });
    expect(await actions()).toContain('auth.second_factor_disabled');
    expect(problemOf(await call('DELETE', '/auth/2fa/totp', proof, kim.token))).toEqual([404, 'second_factor_not_set']);
    expect(await t.sql.db<{ recovery_codes: object }>().selectFrom('recovery_codes').selectAll().execute()).toEqual([]);
  });

  test.each([
    [{ password: 'wrong horse' }, '/password'],
    [{ code: '000000' }, '/code'],
  ])('%j is refused, and then limited', async (proof, path) => {
    const kim = await enrolled();
    for (let count = 0; count < 5; count += 1) {
      const refused = await call('DELETE', '/auth/2fa/totp', proof, kim.token);
      expect(refused.json()).toMatchObject({ status: 422, code: 'second_factor_wrong', errors: [{ path }] });
    }
    expect(problemOf(await call('DELETE', '/auth/2fa/totp', proof, kim.token))).toEqual([429, 'too_many_codes']);
    expect(problemOf(await login(kim.email))).toEqual([401, 'second_factor_required']);
  });

  test.each([{}, { password: PASSWORD, code: '000000' }, { pin: '1' }])('%j is 422', async (body) => {
    const kim = await enrolled();
    expect(problemOf(await call('DELETE', '/auth/2fa/totp', body, kim.token))).toEqual([422, 'invalid_input']);
  });
});

describe('an administrator', () => {
  const remove = (id: number, as: string) => call('DELETE', `/users/${id}/2fa`, undefined, as);

  test('removes that of a lower role, which is written down', async () => {
    const kim = await enrolled();
    const admin = await person('ADMIN');
    const held = await kim.ticket();
    expect((await remove(kim.id, admin.token)).status).toBe(204);
    const entry = (await auditedOn(t.sql)).at(-1);
    expect(entry).toMatchObject({ action: 'user.second_factor_removed', userId: admin.id, resourceId: String(kim.id) });
    expect((await login(kim.email)).status).toBe(200);
    expect(problemOf(await second(held, kim.code()))).toEqual([401, 'second_factor_ticket_invalid']);
    expect(problemOf(await remove(kim.id, admin.token))).toEqual([404, 'second_factor_not_set']);
  });

  test('not that of the same or a higher role, nor its own', async () => {
    const root = await enrolled('SUPERADMIN');
    const admin = await person('ADMIN');
    const manager = await person('MANAGER');
    expect(problemOf(await remove(root.id, admin.token))).toEqual([403, 'user_not_manageable']);
    expect(problemOf(await remove(root.id, root.token))).toEqual([403, 'user_not_manageable']);
    expect((await remove(root.id, manager.token)).status).toBe(403);
    expect(problemOf(await remove(9_999, root.token))).toEqual([404, 'user_not_found']);
  });

  test('whoever has the machine gives a SUPERADMIN a new password, without the second factor', async () => {
    const root = await enrolled('SUPERADMIN');
    await t.users.ensureSuperuser({ email: root.email, password: PASSWORD, resetPassword: true });
    expect((await login(root.email)).status).toBe(200);
  });
});
