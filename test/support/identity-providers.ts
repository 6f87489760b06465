import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { type OAuth2Preset, PROVIDER_PRESETS } from '#platform/oauth/presets.ts';
import { createBrowser } from './browser.ts';

/** Somebody who has an account at the provider. */
export interface TestAccount {
  /** A number, as GitHub has them; at the OpenID Connect provider the login is the subject. */
  readonly id: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

/** An identity provider on a port of the loopback, and people in front of it. */
export interface TestIdentityProvider {
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly accounts: Map<string, TestAccount>;
  /** Signs in as this account at the page that `url` leads to. @returns where the browser is sent back to */
  visit(url: string, login: string): Promise<URL>;
  /** The same, and says no. */
  decline(url: string): Promise<URL>;
  stop(): Promise<void>;
}

const CLIENT = { clientId: 'core-api-test', clientSecret: 'a secret of 32 characters or so' } as const;

function accountsOfEverybody(): Map<string, TestAccount> {
  return new Map([
    ['kim', { id: '1001', email: 'kim@example.com', email_verified: true, name: 'Kim Minji' }],
    ['lee', { id: '1002', email: 'lee@example.com', email_verified: false, name: 'Lee' }],
    ['choi', { id: '1003', name: 'Choi' }],
  ]);
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** The real thing: `oidc-provider`, which insists on PKCE. Claims come from its userinfo endpoint. */
export async function startOidcProvider(redirectUri: string): Promise<TestIdentityProvider> {
  const accounts = accountsOfEverybody();
  const server = createServer();
  const address = await listen(server);
  const provider = new Provider(address, {
    clients: [{ client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, redirect_uris: [redirectUri] }],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    cookies: { keys: ['only for tests'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ ...accounts.get(id), sub: id }),
    }),
  });
  server.on('request', provider.callback());
  const browser = () => createBrowser((url) => url.href.startsWith(redirectUri));
  const form = (text: string) => /action="([^"]+)"/.exec(text)?.[1] ?? '';
  return {
    ...CLIENT,
    address,
    accounts,
    async visit(url, login) {
      const person = browser();
      const signIn = await person.get(url);
      const consent = await person.post(form(signIn.text), { prompt: 'login', login, password: 'any' });
      return (await person.post(form(consent.text), { prompt: 'consent' })).url;
    },
    async decline(url) {
      const person = browser();
      const signIn = await person.get(url);
      return (await person.get(`${signIn.url.href}/abort`)).url;
    },
    stop: () => close(server),
  };
}

interface Grant {
  readonly login: string;
  readonly challenge: string | null;
}

/**
 * What GitHub does, as far as a sign-in sees it: errors of the token endpoint come with status 200, the e-mail
 * addresses from an address of their own. `/v1/nid/me` is Naver's.
 */
export async function startOAuth2Provider(): Promise<TestIdentityProvider> {
  const accounts = accountsOfEverybody();
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, string>();
  const server = createServer((request, response) => void answer(request, response));
  const address = await listen(server);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', address);
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/authorize') {
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      const login = url.searchParams.get('login');
      if (login === null) back.searchParams.set('error', 'access_denied');
      else {
        const code = randomBytes(16).toString('hex');
        codes.set(code, { login, challenge: url.searchParams.get('code_challenge') });
        back.searchParams.set('code', code);
      }
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    if (url.pathname === '/token') return void json(redeem(new URLSearchParams(await textOf(request))));
    const account = accounts.get(tokens.get(request.headers.authorization?.replace(/^bearer /i, '') ?? '') ?? '');
    if (account === undefined) return void json({ message: 'Bad credentials' }, 401);
    const { id, email, email_verified: verified = false, name } = account;
    const bodies: Readonly<Record<string, unknown>> = {
      '/user': { id: Number(id), login: name, name, avatar_url: `${address}/${id}.png`, email: null },
      '/user/emails': [
        { email: 'other@example.com', primary: false, verified: true },
        ...(email === undefined ? [] : [{ email, primary: true, verified }]),
      ],
      '/v1/nid/me': { resultcode: '00', response: { id, email, name } },
    };
    json(bodies[url.pathname] ?? {}, bodies[url.pathname] === undefined ? 404 : 200);
  }

  function redeem(form: URLSearchParams): object {
    const code = form.get('code') ?? '';
    const grant = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isClient = form.get('client_id') === CLIENT.clientId && form.get('client_secret') === CLIENT.clientSecret;
    if (!isClient) return { error: 'incorrect_client_credentials' };
    if (grant === undefined || grant.challenge !== challenge) return { error: 'bad_verification_code' };
    const token = randomBytes(16).toString('hex');
    tokens.set(token, grant.login);
    // Naver sends the number as a text.
    return { access_token: token, token_type: 'bearer', expires_in: '3600' };
  }

  const sentBack = async (url: string) => (await createBrowser((at) => !at.href.startsWith(address)).get(url)).url;
  return {
    ...CLIENT,
    address,
    accounts,
    visit: (url, login) => sentBack(`${url}&login=${login}`),
    decline: sentBack,
    stop: () => close(server),
  };
}

/** A preset whose addresses are those of a local server. */
export function presetAt(address: string, name: 'github' | 'naver' = 'github'): OAuth2Preset {
  const endpoints = { authorizationEndpoint: `${address}/authorize`, tokenEndpoint: `${address}/token` };
  return { ...PROVIDER_PRESETS[name], ...endpoints, issuer: address, api: address };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
