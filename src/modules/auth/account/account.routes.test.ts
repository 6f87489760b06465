import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { createSmtpMailer } from '#platform/mail/smtp/smtp-mailer.ts';
import { createTestAuth, type TestAuth, type TestAuthOptions } from '#test/support/auth.ts';
import type { TestRequest, TestResponse } from '#test/support/http.ts';
import { startTestSmtpServer, type TestSmtpServer } from '#test/support/smtp.ts';

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'battery staple';
const HOUR = 3_600_000;
const invalid = { status: 422, code: 'token_invalid' };
const accepted = { status: 202, body: { status: 'accepted' } };

let smtp: TestSmtpServer;
let mailer: Mailer;
let app: TestAuth;

async function start(options: TestAuthOptions = {}): Promise<void> {
  app = await createTestAuth({ mailer, settings: { publicUrl: () => 'https://iot.example.com/core' }, ...options });
}
async function restart(options: TestAuthOptions): Promise<void> {
  await app.close();
  await start(options);
}
beforeEach(async () => {
  smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from: 'core-api <no-reply@example.com>' });
  await start();
});
afterEach(async () => {
  await app.close();
  await mailer.stop?.(AbortSignal.timeout(5_000));
  await smtp.stop();
});

const post = (path: string, body?: object, more: Partial<TestRequest> = {}) =>
  app.request({ method: 'POST', url: `/api/v1/auth${path}`, ...defined({ body }), ...more });
const problem = (response: TestResponse) => ({ status: response.status, code: response.json().code });
const answer = (response: TestResponse) => ({ status: response.status, body: response.json() });
const register = async (email = EMAIL, headers: Record<string, string> = {}) =>
  (await post('/register', { email, password: PASSWORD }, { headers })).json();
const login = (password: string) => post('/login', { email: EMAIL, password });
const forgot = (email = EMAIL, more: Partial<TestRequest> = {}) => post('/password/forgot', { email }, more);
const reset = (token: string, new_password = NEW_PASSWORD) => post('/password/reset', { token, new_password });
const verify = (token: string) => post('/verify-email', { token });
async function root(): Promise<string> {
  const credentials = { email: 'root@example.com', password: PASSWORD };
  await app.users.ensureSuperuser(credentials);
  return (await post('/login', credentials)).json().access_token;
}
const me = async (as: string) => (await app.request({ url: '/api/v1/users/me', as })).json();
const auditOf = async (action: string) => (await app.audit.list({ page: 1, size: 50, action })).items;

interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly token: string;
}

/** What has arrived since the last time. */
async function mails(): Promise<readonly Mail[]> {
  const before = read;
  await app.jobs.runUntilIdle();
  read = smtp.received.length;
  return smtp.received.slice(before).map(({ to, raw }) => {
    const end = raw.indexOf('\r\n\r\n');
    const [head, body] = [raw.slice(0, end), raw.slice(end + 4)];
    const text = /quoted-printable/i.test(head) ? fromQuotedPrintable(body) : decoded(head, body);
    return { to, text, subject: subjectIn(head), token: /#token=([\w-]{43})\s/.exec(text)?.[1] ?? '' };
  });
}
let read = 0;
beforeEach(() => {
  read = 0;
});

function fromQuotedPrintable(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
function decoded(head: string, body: string): string {
  return /base64/i.test(head) ? Buffer.from(body, 'base64').toString('utf8') : body;
}
function subjectIn(head: string): string {
  const [, subject = ''] = /^Subject: ((?:.|\r\n[ \t])*)$/m.exec(head) ?? [];
  return subject
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?UTF-8\?B\?(.*?)\?=/gi, (_, text) => Buffer.from(text, 'base64').toString('utf8'))
    .replace(/=\?UTF-8\?Q\?(.*?)\?=/gi, (_, text) => fromQuotedPrintable(text.replaceAll('_', ' ')));
}
async function oneMail(): Promise<Mail> {
  const [mail, ...more] = await mails();
  expect(more).toEqual([]);
  if (mail === undefined) throw new Error('no mail came');
  return mail;
}

describe('from registering to a verified address', () => {
  test('a mail comes, and its token verifies once', async () => {
    const { access_token: as } = await register();
    expect(await me(as)).toMatchObject({ is_verified: false });
    const { to, subject, text, token } = await oneMail();
    expect({ to, subject }).toEqual({ to: [EMAIL], subject: 'Confirm your e-mail address' });
    expect(text).toContain(`https://iot.example.com/core/auth/verify-email#token=${token}`);
    expect((await verify(token)).status).toBe(204);
    expect(await me(as)).toMatchObject({ is_verified: true });
    expect(problem(await verify(token))).toEqual(invalid);
    expect(await auditOf('user.email_verified')).toMatchObject([{ userId: null, ipAddress: '127.0.0.1' }]);
  });

  test.each([
    ['ko-KR,ko;q=0.9,en;q=0.8', '이메일 주소를 확인해 주세요', '본인의 이메일 주소가 맞는지'],
    ['en-GB', 'Confirm your e-mail address', 'Please confirm'],
  ])('in the language of the request: %s', async (language, subject, words) => {
    await register(EMAIL, { 'accept-language': language });
    const mail = await oneMail();
    expect(mail.subject).toBe(subject);
    expect(mail.text).toContain(words);
    expect(mail.token).not.toBe('');
  });

  test('the mail holds nothing that whoever registered typed', async () => {
    const body = { email: EMAIL, password: PASSWORD, full_name: 'BUY AT EVIL.EXAMPLE', organization: 'EVIL' };
    await post('/register', body);
    expect(JSON.stringify(await oneMail())).not.toMatch(/evil/i);
  });

  test('the token is nowhere but in the mail: not in the queue, and as a hash in the store', async () => {
    await register();
    const { token } = await oneMail();
    const jobs = await app.jobs.all('send_account_mail');
    expect(jobs).toMatchObject([{ state: 'done', data: { kind: 'verify_email', email: EMAIL, language: 'en' } }]);
    expect(JSON.stringify(jobs)).not.toContain(token);
    const rows = await app.sql
      .db<{ single_use_tokens: { token_hash: string } }>()
      .selectFrom('single_use_tokens')
      .selectAll()
      .execute();
    expect(rows).toMatchObject([{ token_hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('for 24 hours', async () => {
    await register();
    const { token } = await oneMail();
    app.clock.advance(24 * HOUR);
    expect(problem(await verify(token))).toEqual(invalid);
  });

  test('it can be sent again, until it is verified; then the others are void', async () => {
    const { access_token: as } = await register();
    const first = await oneMail();
    expect(answer(await post('/verify-email/resend', undefined, { as }))).toEqual(accepted);
    const second = await oneMail();
    expect((await verify(second.token)).status).toBe(204);
    expect(problem(await verify(first.token))).toEqual(invalid);
    expect(problem(await post('/verify-email/resend', undefined, { as }))).toEqual({
      status: 409,
      code: 'email_already_verified',
    });
    expect(await mails()).toEqual([]);
  });

  test('five times an hour', async () => {
    const { access_token: as } = await register();
    const resend = () => post('/verify-email/resend', undefined, { as });
    for (let i = 0; i < 5; i++) expect((await resend()).status).toBe(202);
    const limited = await resend();
    expect(problem(limited)).toEqual({ status: 429, code: 'too_many_mails' });
    expect(limited.headers['retry-after']).toBe('3600');
    app.clock.advance(HOUR);
    const { access_token: later } = (await login(PASSWORD)).json();
    expect((await post('/verify-email/resend', undefined, { as: later })).status).toBe(202);
  });

  test('an account that was deleted meanwhile gets none', async () => {
    await smtp.stop();
    await register();
    await app.jobs.runUntilIdle();
    const user = await app.users.findByEmail(EMAIL);
    await app.request({ method: 'DELETE', url: `/api/v1/users/${user?.id}`, as: await root() });
    await smtp.start();
    app.clock.advance(HOUR);
    expect(await mails()).toEqual([]);
    expect(await app.jobs.all('send_account_mail')).toMatchObject([{ state: 'done', result: { sent: false } }]);
  });

  test.each([
    {},
    null,
    { kind: 'x', email: EMAIL, language: 'en' },
    { kind: 'verify_email', email: 1, language: 'en' },
  ])('a job that was made by hand of something else fails for good: %j', async (data) => {
    await app.jobs.jobs.enqueue('send_account_mail', data as never);
    expect(await mails()).toEqual([]);
    expect(await app.jobs.all('send_account_mail')).toMatchObject([{ state: 'failed', failures: 1 }]);
  });

  test('a server that is away gets it later', async () => {
    await smtp.stop();
    await register();
    await app.jobs.runUntilIdle();
    await smtp.start();
    app.clock.advance(HOUR);
    expect((await verify((await oneMail()).token)).status).toBe(204);
  });
});

describe('from a forgotten password to a new one', () => {
  test('the old password and every old token are dead, the new one is good', async () => {
    const { access_token: as, refresh_token } = await register();
    await mails();
    app.clock.advance(1_000);
    expect(answer(await forgot(' KIM@example.com '))).toEqual(accepted);
    const { to, subject, text, token } = await oneMail();
    expect({ to, subject }).toEqual({ to: [EMAIL], subject: 'Choose a new password' });
    expect(text).toContain(`https://iot.example.com/core/auth/reset-password#token=${token}`);
    expect(answer(await reset(token))).toEqual(accepted);
    expect((await login(PASSWORD)).status).toBe(401);
    expect((await app.request({ url: '/api/v1/users/me', as })).status).toBe(401);
    expect((await post('/refresh', { refresh_token })).status).toBe(401);
    const again = await login(NEW_PASSWORD);
    expect(again.status).toBe(200);
    // Whoever reads the mail has proven the address.
    expect(await me(again.json().access_token)).toMatchObject({ is_verified: true });
    expect(await auditOf('user.password_reset')).toMatchObject([{ userId: null, ipAddress: '127.0.0.1' }]);
    expect(await auditOf('auth.password_reset_requested')).toMatchObject([{ details: { email: EMAIL } }]);
  });

  test('a token is good once, and one that was used voids the others', async () => {
    await register();
    await mails();
    await forgot();
    await forgot();
    const [first, second] = await mails();
    expect((await reset(first?.token ?? '')).status).toBe(202);
    expect(problem(await reset(first?.token ?? ''))).toEqual(invalid);
    expect(problem(await reset(second?.token ?? ''))).toEqual(invalid);
    expect((await login(NEW_PASSWORD)).status).toBe(200);
  });

  test('of many at once with one token, one wins', async () => {
    await register();
    await mails();
    await forgot();
    const { token } = await oneMail();
    const words = ['first horse', 'second horse', 'third horse', 'fourth horse'];
    const answers = await Promise.all(words.map((word) => reset(token, word)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 422, 422, 422]);
    const logins = await Promise.all(words.map((word) => login(word)));
    expect(logins.map(({ status }) => status)).toEqual(answers.map(({ status }) => (status === 202 ? 200 : 401)));
  });

  test('for an hour', async () => {
    await register();
    await mails();
    await forgot();
    const { token } = await oneMail();
    app.clock.advance(HOUR);
    expect(problem(await reset(token))).toEqual(invalid);
  });

  test('changing the password by hand voids what is under way', async () => {
    const { access_token: as } = await register();
    await mails();
    await forgot();
    const { token } = await oneMail();
    const body = { current_password: PASSWORD, new_password: 'third horse' };
    expect((await app.request({ method: 'POST', url: '/api/v1/users/me/password', body, as })).status).toBe(204);
    expect(problem(await reset(token))).toEqual(invalid);
    expect((await login('third horse')).status).toBe(200);
  });

  test('a token is good for its own purpose alone', async () => {
    await register();
    const { token: verification } = await oneMail();
    await forgot();
    const { token: change } = await oneMail();
    expect(problem(await reset(verification))).toEqual(invalid);
    expect(problem(await verify(change))).toEqual(invalid);
    expect(problem(await post('/oauth/token', { code: change }))).toMatchObject({ status: 401 });
    expect((await reset(change)).status).toBe(202);
    expect((await verify(verification)).status).toBe(204);
  });

  test('a password that is not accepted costs no token', async () => {
    await register();
    await mails();
    await forgot();
    const { token } = await oneMail();
    expect((await reset(token, 'short')).status).toBe(422);
    // 8 code units, of which the service counts 4 characters.
    expect(problem(await reset(token, '🐎🐎🐎🐎'))).toEqual({ status: 422, code: 'invalid_input' });
    expect((await reset(token)).status).toBe(202);
  });

  test('a deactivated user gets no mail, and no new password with an old one', async () => {
    await register();
    await mails();
    await forgot();
    const { token } = await oneMail();
    const user = await app.users.findByEmail(EMAIL);
    const body = { is_active: false };
    await app.request({ method: 'PATCH', url: `/api/v1/users/${user?.id}`, body, as: await root() });
    expect((await reset(token)).status).toBe(422);
    await forgot();
    expect(await mails()).toEqual([]);
  });

  test('strangers get the same answer and no mail', async () => {
    await register();
    await mails();
    const [known, unknown] = [await forgot(), await forgot('nobody@example.com')];
    expect(answer(unknown)).toEqual(answer(known));
    expect(await mails()).toMatchObject([{ to: [EMAIL] }]);
    // The same work too: one job each, and whom it is for turns out when it runs.
    expect(await app.jobs.all('send_account_mail')).toHaveLength(3);
  });

  test('five times an hour from one address, whether or not the account exists', async () => {
    for (const email of [EMAIL, 'nobody@example.com']) {
      for (let i = 0; i < 5; i++) expect((await forgot(email)).status).toBe(202);
      const limited = await forgot(email);
      expect(problem(limited)).toEqual({ status: 429, code: 'too_many_mails' });
      expect(limited.headers['retry-after']).toBe('3600');
    }
    app.clock.advance(HOUR);
    expect((await forgot()).status).toBe(202);
  });

  test('twenty times an hour from one address to everybody', async () => {
    for (let i = 0; i < 20; i++) expect((await forgot(`user-${i}@example.com`)).status).toBe(202);
    expect(problem(await forgot('user-20@example.com'))).toEqual({ status: 429, code: 'too_many_mails' });
  });

  test('while the counters are away nobody asks: mails could be had without an end', async () => {
    const away = () => Promise.reject(commonErrors.unavailable());
    const counters: CounterStore = { increment: away, peek: away, reset: away };
    await restart({ counters });
    expect(problem(await forgot())).toEqual({ status: 503, code: 'unavailable' });
  });
});

describe('where e-mail is off', () => {
  test('registering goes on, asking again says so, and forgetting is answered as ever', async () => {
    await app.close();
    app = await createTestAuth({});
    const { access_token: as } = await register();
    expect(problem(await post('/verify-email/resend', undefined, { as }))).toEqual({ status: 409, code: 'email_off' });
    expect(answer(await forgot())).toEqual(accepted);
    expect(await app.jobs.all()).toEqual([]);
  });
});

describe('tokens that are not', () => {
  test.each(['-', 'x'.repeat(128), '✉', "' or 1=1 --"])('%j is refused', async (token) => {
    expect(problem(await verify(token))).toEqual(invalid);
    expect(problem(await reset(token))).toEqual(invalid);
  });
});
