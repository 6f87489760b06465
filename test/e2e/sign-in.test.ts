import { afterEach, expect, test } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startOidcProvider } from '../support/identity-providers.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { startTestSmtpServer, type TestSmtpServer } from '../support/smtp.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

/** `npm start` with a mail server and a provider to sign in at, on data of its own. */
async function start(
  settings: (httpPort: number) => Promise<Readonly<Record<string, string>>>,
): Promise<ServerProcess> {
  const folder = temporaryFolder();
  undo.push(folder.remove);
  const httpPort = await freePort();
  const server = await startServer({
    DATA_DIR: folder.path,
    HTTP_PORT: String(httpPort),
    ...(await settings(httpPort)),
  });
  undo.push(() => server.end('SIGKILL'));
  return server;
}

async function linkTo(smtp: TestSmtpServer, page: string): Promise<URL> {
  const found = () =>
    smtp.received
      .map(({ raw }) => raw.replaceAll('=\r\n', '').replaceAll('=3D', '='))
      .map((text) => new RegExp(`http://\\S+/auth/${page}#token=[\\w-]{43}`).exec(text)?.[0])
      .find((link) => link !== undefined);
  await expect.poll(found, { timeout: 20_000 }).toBeDefined();
  return new URL(found() ?? '');
}

test('register, verify, forget, reset: by the mails alone, as the links say', async () => {
  const smtp = await startTestSmtpServer({ hideSTARTTLS: true });
  undo.push(smtp.stop);
  const mail = { SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, MAIL_FROM: 'core-api <no-reply@example.com>' };
  const server = await start(async () => mail);
  const post = async (path: string, body: object) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${server.httpUrl}/api/v1/auth${path}`, init);
    return { status: response.status, body: await response.text() };
  };
  const credentials = { email: 'kim@example.com', password: 'correct horse' };
  const tokens = JSON.parse((await post('/register', credentials)).body);

  const verification = await linkTo(smtp, 'verify-email');
  expect(verification.origin).toBe(server.httpUrl);
  const page = await fetch(verification);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect((await post('/verify-email', { token: verification.hash.slice('#token='.length) })).status).toBe(204);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const me = await (await fetch(`${server.httpUrl}/api/v1/users/me`, { headers })).json();
  expect(me).toMatchObject({ email: credentials.email, is_verified: true });

  expect((await post('/password/forgot', { email: credentials.email })).status).toBe(202);
  const token = (await linkTo(smtp, 'reset-password')).hash.slice('#token='.length);
  expect((await post('/password/reset', { token, new_password: 'battery staple' })).status).toBe(202);
  expect((await post('/password/reset', { token, new_password: 'battery staple' })).status).toBe(422);
  expect((await post('/login', credentials)).status).toBe(401);
  expect((await post('/login', { ...credentials, password: 'battery staple' })).status).toBe(200);
  expect((await post('/refresh', { refresh_token: tokens.refresh_token })).status).toBe(401);
  expect((await fetch(`${server.httpUrl}/api/v1/users/me`, { headers })).status).toBe(401);
  expect(await server.end('SIGTERM')).toBe(0);
});

test('a browser goes to the provider and comes back signed in', async () => {
  const server = await start(async (httpPort) => {
    const provider = await startOidcProvider(`http://127.0.0.1:${httpPort}/api/v1/auth/oauth/corp/callback`);
    undo.push(provider.stop);
    return {
      OAUTH_CORP_ISSUER: provider.address,
      OAUTH_CORP_CLIENT_ID: provider.clientId,
      OAUTH_CORP_CLIENT_SECRET: provider.clientSecret,
    };
  });
  const form = (text: string) => /action="([^"]+)"/.exec(text)?.[1] ?? '';
  const browser = createBrowser();
  const signIn = await browser.get(`${server.httpUrl}/api/v1/auth/oauth/corp`);
  const consent = await browser.post(form(signIn.text), { prompt: 'login', login: 'kim', password: 'any' });
  const arrived = await browser.post(form(consent.text), { prompt: 'consent' });
  expect({ status: arrived.status, at: arrived.url.pathname }).toEqual({
    status: 200,
    at: '/api/v1/auth/oauth/corp/callback',
  });
  const headers = { authorization: `Bearer ${JSON.parse(arrived.text).access_token}` };
  const me = await (await fetch(`${server.httpUrl}/api/v1/users/me`, { headers })).json();
  expect(me).toMatchObject({ email: 'kim@example.com', role: 'USER', is_verified: true });

  // Another browser with the same address gets nowhere: the cookie is missing, and the code was used.
  const stranger = await createBrowser().get(arrived.url.href);
  expect({ status: stranger.status, ...JSON.parse(stranger.text) }).toMatchObject({
    status: 401,
    code: 'oauth_flow_unknown',
  });
  const again = await browser.get(arrived.url.href);
  expect(again.status).toBe(401);
  expect(server.output()).not.toContain('client_secret');
  expect(await server.end('SIGTERM')).toBe(0);
});
