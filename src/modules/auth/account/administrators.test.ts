import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { createSmtpMailer } from '#platform/mail/smtp/smtp-mailer.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';
import type { TestRequest } from '#test/support/http.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';

/* What administrators do for the accounts of others. */

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'battery staple';

let smtp: TestSmtpServer;
let mailer: Mailer;
let app: TestAuth;
let as: string;
beforeEach(async () => {
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from: 'core-api <no-reply@example.com>' });
  await start(mailer);
});
afterEach(async () => {
  await app.close();
  await mailer.stop?.(AbortSignal.timeout(5_000));
  await smtp.stop();
});

async function start(mailing?: Mailer): Promise<void> {
  app = await createTestAuth({
    ...defined({ mailer: mailing }),
    settings: { publicUrl: () => 'https://iot.example.com' },
  });
  await app.users.ensureSuperuser({ email: 'root@example.com', password: PASSWORD });
  as = (await login('root@example.com')).json().access_token;
}
const post = (url: string, body?: object, more: Partial<TestRequest> = {}) =>
  app.request({ method: 'POST', url: `/api/v1${url}`, ...defined({ body }), ...more });
const patch = (id: number, body: object, by = as) =>
  app.request({ method: 'PATCH', url: `/api/v1/users/${id}`, body, as: by });
const login = (email: string, password = PASSWORD) => post('/auth/login', { email, password });
const reset = (token: string) => post('/auth/password/reset', { token, new_password: NEW_PASSWORD });
const person = async (email: string, role = 'USER') =>
  (await post('/users', { email, password: PASSWORD, role }, { as })).json();

/** What has arrived: to whom, and the token. */
async function mails() {
  await app.jobs.runUntilIdle();
  return smtp.received.map(({ to, raw }) => {
    const text = raw.replaceAll('=\r\n', '');
    return {
      to: to[0],
      page: /auth\/([\w-]+)#/.exec(text)?.[1],
      token: /#token=(?:3D)?([\w-]{43})/.exec(text)?.[1] ?? '',
    };
  });
}

describe('an e-mail address', () => {
  test('of a user that is made gets a mail to verify it', async () => {
    await person('kim@example.com');
    const [mail] = await mails();
    expect(mail).toMatchObject({ to: 'kim@example.com', page: 'verify-email' });
    expect((await post('/auth/verify-email', { token: mail?.token })).status).toBe(204);
    expect((await app.users.findByEmail('kim@example.com'))?.isVerified).toBe(true);
  });

  test('is verified by an administrator, and that is audited', async () => {
    const { id } = await person('kim@example.com');
    expect((await patch(id, { is_verified: true })).json()).toMatchObject({ is_verified: true });
    expect(await auditedOn(app.sql)).toContainEqual(
      expect.objectContaining({
        action: 'user.updated',
        details: { changes: { is_verified: { from: false, to: true } } },
      }),
    );
  });

  test('that is changed is not verified, gets a mail, and voids what was mailed to the old one', async () => {
    const { id } = await person('kim@example.com');
    await patch(id, { is_verified: true });
    await post('/auth/password/forgot', { email: 'kim@example.com' });
    const before = await mails();
    const changed = await patch(id, { email: ' Kim@New.example.com ' });
    expect(changed.json()).toMatchObject({ email: 'kim@new.example.com', is_verified: false });
    for (const { page, token } of before) {
      const answer = page === 'verify-email' ? await post('/auth/verify-email', { token }) : await reset(token);
      expect(answer.json()).toMatchObject({ status: 422, code: 'token_invalid' });
    }
    const toNew = (await mails()).filter(({ to }) => to === 'kim@new.example.com');
    expect(toNew).toMatchObject([{ page: 'verify-email' }]);
    expect((await login('kim@new.example.com')).status).toBe(200);
    expect((await login('kim@example.com')).status).toBe(401);
    expect((await patch(id, { email: 'kim@third.example.com', is_verified: true })).json().is_verified).toBe(true);
  });

  test('that somebody has is refused', async () => {
    const { id } = await person('kim@example.com');
    expect((await patch(id, { email: 'ROOT@example.com' })).json()).toMatchObject({ status: 409, code: 'email_taken' });
    expect((await patch(id, { email: 'no-at' })).status).toBe(422);
  });
});

describe('a new password for somebody else', () => {
  test('goes by mail', async () => {
    const { id } = await person('kim@example.com');
    expect((await post(`/users/${id}/password-reset`, undefined, { as })).json()).toEqual({ mailed: true, link: null });
    // Beside the one to verify the address, in any order.
    const mail = (await mails()).find(({ page }) => page === 'reset-password');
    expect(mail?.to).toBe('kim@example.com');
    expect((await reset(mail?.token ?? '')).status).toBe(202);
  });

  test('without mail goes by a link to hand over, good once and for an hour, audited without it', async () => {
    await app.close();
    await start();
    const { id } = await person('kim@example.com');
    const ask = async () => (await post(`/users/${id}/password-reset`, undefined, { as })).json();
    const { mailed, link } = await ask();
    expect(mailed).toBe(false);
    const token = /^https:\/\/iot\.example\.com\/auth\/reset-password#token=([\w-]{43})$/.exec(link)?.[1] ?? '';
    expect((await reset(token)).status).toBe(202);
    expect((await reset(token)).status).toBe(422);
    expect((await login('kim@example.com', NEW_PASSWORD)).status).toBe(200);
    const late = (await ask()).link.split('=')[1];
    app.clock.advance(3_600_000);
    expect((await reset(late)).status).toBe(422);
    const trail = await auditedOn(app.sql);
    expect(trail).toContainEqual(
      expect.objectContaining({ action: 'user.password_reset_requested', details: { how: 'link' }, userId: 1 }),
    );
    expect(JSON.stringify(trail)).not.toContain(token);
  });

  test('is refused for an equal and for who is not active, and void when the role changes', async () => {
    await app.close();
    await start();
    await person('boss@example.com', 'ADMIN');
    const boss = (await login('boss@example.com')).json().access_token;
    const { id: equal } = await person('equal@example.com', 'ADMIN');
    const { id: user } = await person('kim@example.com');
    const ask = (id: number) => post(`/users/${id}/password-reset`, undefined, { as: boss });
    expect((await ask(equal)).json()).toMatchObject({ status: 403, code: 'user_not_manageable' });
    const { link } = (await ask(user)).json();
    await patch(user, { role: 'ADMIN' });
    // Or the ADMIN would take over its equal.
    expect((await reset(link.split('=')[1])).status).toBe(422);
    await patch(user, { role: 'USER', is_active: false });
    expect((await ask(user)).json()).toMatchObject({ status: 409, code: 'user_inactive' });
    expect((await ask(999_999)).status).toBe(404);
  });
});
