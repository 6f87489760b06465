import { describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import {
  presetAt,
  startOAuth2Provider,
  startOidcProvider,
  type TestIdentityProvider,
} from '#test/support/identity-providers.ts';
import { type OAuthHarness, oauthContract } from '../oauth.contract.ts';
import type { IdentityProvider } from '../oauth.port.ts';
import { PROVIDER_PRESETS } from '../presets.ts';
import { createOAuth2Provider } from './oauth2-provider.ts';
import { createOpenIdProvider } from './openid-provider.ts';

const REDIRECT_URI = 'http://127.0.0.1:9/api/v1/auth/oauth/test/callback';

function harnessOf(
  server: TestIdentityProvider,
  capabilities: OAuthHarness['capabilities'],
  create: (logger: Logger) => IdentityProvider,
): OAuthHarness {
  const warnings: object[] = [];
  return {
    provider: create({ ...silentLogger, warn: (fields) => void warnings.push(fields) }),
    redirectUri: REDIRECT_URI,
    capabilities,
    visit: server.visit,
    decline: server.decline,
    warnings,
    providerLeaves: server.stop,
    close: server.stop,
  };
}

const openIdAt = ({ address, clientId, clientSecret }: TestIdentityProvider, logger: Logger = silentLogger) =>
  createOpenIdProvider({
    name: 'test',
    label: 'Test',
    issuer: address,
    clientId,
    clientSecret,
    scopes: ['openid', 'email', 'profile'],
    logger,
  });

oauthContract('OpenID Connect', async () => {
  const server = await startOidcProvider(REDIRECT_URI);
  return harnessOf(server, { nonce: true, verifiesEmails: true }, (logger) => openIdAt(server, logger));
});

describe.each(['github', 'naver'] as const)('%s', (name) => {
  oauthContract(`OAuth 2 as at ${name}`, async () => {
    const server = await startOAuth2Provider();
    const { clientId, clientSecret } = server;
    return harnessOf(server, { nonce: false, verifiesEmails: name === 'github' }, (logger) =>
      createOAuth2Provider({ name, preset: presetAt(server.address, name), clientId, clientSecret, logger }),
    );
  });
});

describe('OpenID Connect', () => {
  test('an issuer that is away at the first sign-in is asked again at the next', async () => {
    const server = await startOidcProvider(REDIRECT_URI);
    const provider = openIdAt(server);
    await server.stop();
    const begin = () => provider.begin(REDIRECT_URI);
    await expect(begin()).rejects.toMatchObject({ code: 'oauth_provider_unavailable' });
    await expect(begin()).rejects.toMatchObject({ code: 'oauth_provider_unavailable' });
  });

  test('a subject that is too long to be kept is refused, not cut off', async () => {
    const server = await startOidcProvider(REDIRECT_URI);
    try {
      const provider = openIdAt(server);
      const { url, flow } = await provider.begin(REDIRECT_URI);
      const callback = await server.visit(url, 'x'.repeat(256));
      await expect(provider.complete(callback, flow)).rejects.toMatchObject({ code: 'oauth_provider_unavailable' });
    } finally {
      await server.stop();
    }
  });

  test('a client secret that is not right is the operator’s fault, not the person’s', async () => {
    const server = await startOidcProvider(REDIRECT_URI);
    try {
      const provider = openIdAt({ ...server, clientSecret: 'another secret of 32 characters' });
      const { url, flow } = await provider.begin(REDIRECT_URI);
      const callback = await server.visit(url, 'kim');
      await expect(provider.complete(callback, flow)).rejects.toMatchObject({ code: 'oauth_provider_unavailable' });
    } finally {
      await server.stop();
    }
  });

  test.each([
    [{ email: 'a@gmail.com', email_verified: true }, true],
    [{ email: 'a@corp.example', email_verified: true, hd: 'corp.example' }, true],
    [{ email: 'a@example.com', email_verified: true }, false],
    [{ email: 'a@gmail.com', email_verified: false }, false],
    [{ email: 'a@gmail.com', email_verified: 'true' }, false],
    [{ email: 'a@gmail.com.example.com', email_verified: true }, false],
  ])('Google vouches for mailboxes of its own: %j', (claims, verified) => {
    expect(PROVIDER_PRESETS.google.isEmailVerified(claims)).toBe(verified);
  });
});

describe('answers of another shape', () => {
  test.each([[null], [{}], [[]], [{ id: 'text' }], ['text'], [7]])('%j is nobody', async (answer) => {
    expect(await PROVIDER_PRESETS.github.identify(async () => answer)).toBeNull();
    expect(await PROVIDER_PRESETS.naver.identify(async () => ({ response: answer === null ? null : {} }))).toBeNull();
  });

  test('GitHub without a primary address gives none', async () => {
    const get = async (path: string) => (path === '/user' ? { id: 7, login: 'kim' } : { message: 'Not Found' });
    expect(await PROVIDER_PRESETS.github.identify(get)).toMatchObject({
      providerUid: '7',
      email: null,
      isEmailVerified: false,
      fullName: 'kim',
    });
  });
});
