import { describe, expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { readOAuthProviders } from './oauth-settings.ts';
import { renderEnvExample } from './settings.ts';

const problemsOf = (env: Record<string, string>) => readOAuthProviders(env).problems;

describe('OAUTH_<NAME>_… settings', () => {
  test('nothing is set, nobody is there', () => {
    expect(readOAuthProviders({ OAUTH_GOOGLE_CLIENT_ID: ' ', PATH: '/bin' })).toEqual({ providers: [], problems: [] });
  });

  test('presets and issuers of one’s own, in the order of their names', () => {
    const { providers, problems } = readOAuthProviders({
      OAUTH_MY_CORP_ISSUER: 'https://login.example.com/realms/iot',
      OAUTH_MY_CORP_CLIENT_ID: ' core ',
      OAUTH_MY_CORP_SCOPES: 'openid, email groups',
      OAUTH_MY_CORP_LABEL: 'My Corp.',
      OAUTH_GITHUB_CLIENT_ID: 'id',
      OAUTH_GITHUB_CLIENT_SECRET: 'secret',
      OAUTH_KAKAO_CLIENT_ID: 'id',
    });
    expect(problems).toEqual([]);
    const unset = { issuer: null, clientSecret: null, scopes: null, label: null };
    expect(providers).toEqual([
      { ...unset, name: 'github', clientId: 'id', clientSecret: 'secret' },
      { ...unset, name: 'kakao', clientId: 'id' },
      {
        name: 'my-corp',
        issuer: 'https://login.example.com/realms/iot',
        clientId: 'core',
        clientSecret: null,
        scopes: ['openid', 'email', 'groups'],
        label: 'My Corp.',
      },
    ]);
  });

  const refused: readonly [env: Record<string, string>, problem: string][] = [
    [{ OAUTH_GITHUB_CLIENT_ID: 'id' }, 'OAUTH_GITHUB_CLIENT_SECRET: needed'],
    [{ OAUTH_GOOGLE_CLIENT_SECRET: 's' }, 'OAUTH_GOOGLE_CLIENT_ID: needed'],
    [{ OAUTH_CORP_CLIENT_ID: 'id' }, 'OAUTH_CORP_ISSUER: needed for a provider that is none of google, kakao'],
    [{ OAUTH_KAKAO_CLIENT_ID: 'id', OAUTH_KAKAO_ISSUER: 'https://x.example' }, 'OAUTH_KAKAO_ISSUER: is known'],
    [{ OAUTH_KAKAO_CLIENT_ID: 'id', OAUTH_KAKAO_SCOPES: 'email' }, 'OAUTH_KAKAO_SCOPES: has to name openid'],
    [{ OAUTH_KAKAO_CLIENT_ID: 'id', OAUTH_KAKAO_CLIENTSECRET: 's' }, 'OAUTH_KAKAO_CLIENTSECRET: not a setting'],
  ];
  test.each(refused)('%j is refused', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  test.each(['http://login.example.com', 'ftp://x', 'login', 'https://x.example?a=1', 'https://u@x.example'])(
    'an issuer is an address that can be trusted: %s is none',
    (issuer) => {
      const env = { OAUTH_CORP_CLIENT_ID: 'id', OAUTH_CORP_ISSUER: issuer };
      expect(problemsOf(env)).toEqual([expect.stringContaining(`OAUTH_CORP_ISSUER=${issuer}: accepted is`)]);
    },
  );

  test('the start lists them with all other problems, and no secret', () => {
    const env = { HTTP_PORT: 'x', OAUTH_CORP_CLIENT_SECRET: 'hush', OAUTH_GITHUB_CLIENT_ID: 'id' };
    const start = () => loadConfig(env);
    expect(start).toThrow(
      /HTTP_PORT=x[\s\S]*OAUTH_CORP_CLIENT_ID[\s\S]*OAUTH_CORP_ISSUER[\s\S]*OAUTH_GITHUB_CLIENT_SECRET/,
    );
    expect(start).not.toThrow(/hush/);
  });

  test('a variable of some other program is not ours', () => {
    expect(problemsOf({ OAUTH_TOKEN: 'x', OAUTH_CLIENT_ID: 'x' })).toEqual([]);
  });

  test('.env.example shows each of them', () => {
    const text = renderEnvExample();
    for (const name of ['OAUTH_GOOGLE_CLIENT_ID', 'OAUTH_NAVER_CLIENT_SECRET', 'OAUTH_MYCORP_ISSUER']) {
      expect(text).toContain(`# ${name}=\n`);
    }
  });
});
