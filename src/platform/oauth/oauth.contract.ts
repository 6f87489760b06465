import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IdentityProvider } from './oauth.port.ts';

/** A provider, and people in front of it: `kim`, `lee` (an e-mail that is not verified), `choi` (none). */
export interface OAuthHarness {
  readonly provider: IdentityProvider;
  /** Registered at the provider. */
  readonly redirectUri: string;
  readonly capabilities: {
    /** OpenID Connect: the ID token holds the nonce. */
    readonly nonce: boolean;
    /** The provider says whether an e-mail is verified. */
    readonly verifiesEmails: boolean;
  };
  /** Signs in at the page behind `url`. @returns where the browser is sent back to */
  visit(url: string, login: string): Promise<URL>;
  decline(url: string): Promise<URL>;
  /** What was logged. */
  readonly warnings: readonly object[];
  providerLeaves(): Promise<void>;
  close(): Promise<void>;
}

/** The specification of an `IdentityProvider`; every adapter passes it unchanged. */
export function oauthContract(name: string, open: () => Promise<OAuthHarness>): void {
  describe(`oauth: ${name}`, () => {
    let harness: OAuthHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    const begin = () => harness.provider.begin(harness.redirectUri);
    async function signIn(login: string) {
      const { url, flow } = await begin();
      const callback = await harness.visit(url, login);
      return { callback, flow, identity: await harness.provider.complete(callback, flow) };
    }
    const refused = { kind: 'unauthenticated', code: 'oauth_refused' };

    test('the browser takes along what ties the answer to this sign-in, and no secret', async () => {
      const { url, flow } = await begin();
      const query = Object.fromEntries(new URL(url).searchParams);
      expect(query).toMatchObject({
        response_type: 'code',
        redirect_uri: harness.redirectUri,
        state: flow.state,
        code_challenge_method: 'S256',
        code_challenge: createHash('sha256').update(flow.codeVerifier).digest('base64url'),
      });
      expect(query['nonce']).toBe(harness.capabilities.nonce ? flow.nonce : undefined);
      expect(url).not.toContain(flow.codeVerifier);
      const other = (await begin()).flow;
      for (const key of ['state', 'nonce', 'codeVerifier'] as const) {
        expect(flow[key]).toMatch(/^[\w-]{43,}$/);
        expect(other[key]).not.toBe(flow[key]);
      }
    });

    test('who comes back is who signed in', async () => {
      const { identity } = await signIn('kim');
      expect(identity).toMatchObject({
        providerUid: expect.stringMatching(/./),
        email: 'kim@example.com',
        isEmailVerified: harness.capabilities.verifiesEmails,
        fullName: 'Kim Minji',
      });
      const again = await signIn('kim');
      expect(again.identity).toEqual(identity);
      expect((await signIn('lee')).identity.providerUid).not.toBe(identity.providerUid);
    });

    test('an e-mail that the provider does not vouch for is not verified; none is null', async () => {
      expect((await signIn('lee')).identity).toMatchObject({ email: 'lee@example.com', isEmailVerified: false });
      expect((await signIn('choi')).identity).toMatchObject({ email: null, isEmailVerified: false });
    });

    test.each(['state', 'codeVerifier'] as const)(
      'an answer is worth nothing with the %s of another sign-in',
      async (part) => {
        const { url, flow } = await begin();
        const callback = await harness.visit(url, 'kim');
        const mixed = { ...flow, [part]: (await begin()).flow[part] };
        await expect(harness.provider.complete(callback, mixed)).rejects.toMatchObject(refused);
      },
    );

    test('the ID token of another sign-in is refused', async () => {
      const { url, flow } = await begin();
      const callback = await harness.visit(url, 'kim');
      const mixed = { ...flow, nonce: (await begin()).flow.nonce };
      const outcome = harness.provider.complete(callback, mixed);
      if (harness.capabilities.nonce) await expect(outcome).rejects.toMatchObject(refused);
      else expect(await outcome).toMatchObject({ email: 'kim@example.com' });
    });

    test('an answer is good once', async () => {
      const { callback, flow } = await signIn('kim');
      await expect(harness.provider.complete(callback, flow)).rejects.toMatchObject(refused);
    });

    test('a code that the provider never gave, and an answer without one, are refused', async () => {
      const { url, flow } = await begin();
      const callback = await harness.visit(url, 'kim');
      callback.searchParams.set('code', 'made-up');
      await expect(harness.provider.complete(callback, flow)).rejects.toMatchObject(refused);
      callback.searchParams.delete('code');
      await expect(harness.provider.complete(callback, flow)).rejects.toMatchObject(refused);
    });

    test('whoever says no at the provider is told apart', async () => {
      const { url, flow } = await begin();
      const callback = await harness.decline(url);
      await expect(harness.provider.complete(callback, flow)).rejects.toMatchObject({
        kind: 'forbidden',
        code: 'oauth_denied',
      });
      expect(harness.warnings).toEqual([]);
    });

    test('words of the provider reach the log, not the error', async () => {
      const { url, flow } = await begin();
      const callback = await harness.decline(url);
      callback.searchParams.set('error', 'unmistakable');
      const error: Error = (await harness.provider.complete(callback, flow).catch((thrown: Error) => thrown)) as Error;
      expect(error).toMatchObject(refused);
      expect(error.message).not.toContain('unmistakable');
      expect(JSON.stringify(harness.warnings)).toContain('unmistakable');
    });

    test('a provider that is away is unavailable', async () => {
      const { url, flow } = await begin();
      const callback = await harness.visit(url, 'kim');
      await harness.providerLeaves();
      await expect(harness.provider.complete(callback, flow)).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'oauth_provider_unavailable',
      });
    });
  });
}
