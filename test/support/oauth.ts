import { silentLogger } from '#kernel/logger.ts';
import type { AuthSettings } from '#modules/auth/index.ts';
import type { User } from '#modules/users/index.ts';
import { createOAuth2Provider } from '#platform/oauth/openid/oauth2-provider.ts';
import { createOpenIdProvider } from '#platform/oauth/openid/openid-provider.ts';
import { AUTH_SETTINGS, createTestAuth, type TestAuth } from './auth.ts';
import type { TestResponse } from './http.ts';
import { presetAt, startOAuth2Provider, startOidcProvider, type TestIdentityProvider } from './identity-providers.ts';

export const OAUTH = '/api/v1/auth/oauth';
export const PASSWORD = 'correct horse';

export interface Begun {
  /** Of the provider's page. */
  readonly url: string;
  /** As the browser sends it back. */
  readonly cookie: string;
  readonly setCookie: string;
}

/** The auth module with two providers, `corp` (OpenID Connect) and `github` (OAuth 2), and a browser. */
export interface OAuthTest {
  readonly app: TestAuth;
  readonly corp: TestIdentityProvider;
  readonly github: TestIdentityProvider;
  begin(name: string, query?: Readonly<Record<string, string>>): Promise<Begun>;
  comeBack(callback: URL, cookie?: string): Promise<TestResponse>;
  /** The whole way. @returns the answer of the callback */
  signIn(name: string, login: string): Promise<TestResponse>;
  register(email: string): Promise<TestResponse>;
  /** A user whose e-mail is verified. */
  verified(email: string, role?: 'USER' | 'ADMIN'): Promise<User>;
  /** A token of a SUPERADMIN. */
  root(): Promise<string>;
  /** `GET /users/me` with the tokens of an answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  me(tokens: TestResponse): Promise<any>;
  close(): Promise<void>;
}

export async function startOAuthTest(settings: Partial<AuthSettings> = {}): Promise<OAuthTest> {
  const publicUrl = settings.publicUrl ?? AUTH_SETTINGS.publicUrl;
  const [corp, github] = await Promise.all([
    startOidcProvider(`${publicUrl()}${OAUTH}/corp/callback`),
    startOAuth2Provider(),
  ]);
  const credentials = ({ clientId, clientSecret }: TestIdentityProvider) => ({
    clientId,
    clientSecret,
    logger: silentLogger,
  });
  const openid = createOpenIdProvider({
    ...credentials(corp),
    name: 'corp',
    label: 'Corp',
    issuer: corp.address,
    scopes: ['openid', 'email', 'profile'],
  });
  const oauth2 = createOAuth2Provider({ ...credentials(github), name: 'github', preset: presetAt(github.address) });
  const app = await createTestAuth({ identityProviders: [openid, oauth2], settings });

  const post = (path: string, body: object) => app.request({ method: 'POST', url: `/api/v1/auth${path}`, body });
  const begin: OAuthTest['begin'] = async (name, query = {}) => {
    const { status, headers, text } = await app.request({ url: `${OAUTH}/${name}`, query });
    if (status !== 302) throw new Error(`${status} ${text}`);
    const setCookie = headers['set-cookie'] ?? '';
    return { url: headers['location'] ?? '', cookie: setCookie.split(';')[0] ?? '', setCookie };
  };
  const comeBack: OAuthTest['comeBack'] = ({ pathname, search }, cookie) =>
    app.request({ url: `${pathname}${search}`, headers: cookie === undefined ? {} : { cookie } });

  return {
    app,
    corp,
    github,
    begin,
    comeBack,
    async signIn(name, login) {
      const { url, cookie } = await begin(name);
      return await comeBack(await (name === 'corp' ? corp : github).visit(url, login), cookie);
    },
    register: (email) => post('/register', { email, password: PASSWORD }),
    verified: (email, role = 'USER') => app.users.create({ email, password: PASSWORD, role, isVerified: true }),
    async root() {
      const body = { email: 'root@example.com', password: PASSWORD };
      await app.users.ensureSuperuser(body);
      return (await post('/login', body)).json().access_token;
    },
    async me(tokens) {
      return (await app.request({ url: '/api/v1/users/me', as: tokens.json().access_token })).json();
    },
    async close() {
      await Promise.all([app.close(), corp.stop(), github.stop()]);
    },
  };
}

export function problemOf(response: TestResponse): { readonly status: number; readonly code: string } {
  return { status: response.status, code: response.json().code };
}
