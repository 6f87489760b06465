import { sign } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import type { AccessToken, AccessTokens } from './auth.ports.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';

export interface AccessTokensOptions {
  readonly keys: Pick<SigningKeys, 'all'>;
  readonly clock: Clock;
  /** Seconds. */
  readonly lifetime: number;
}

const CACHED_TOKENS = 10_000;

type Verify = (token: string) => unknown;

/**
 * JWTs signed with Ed25519 (RFC 8037), claims `sub, role, iat, exp, jti`.
 *
 * `iat` has a fraction (RFC 7519 allows it in a NumericDate): sign-out voids tokens to the millisecond. Since
 * fast-jwt rounds it down, signing is done here and only verifying by fast-jwt. Checking a signature costs more
 * than serving a request, so tokens that were found genuine are remembered whole; their expiry is checked
 * each time, whether they can still be used is the authenticator's question.
 */
export function createAccessTokens({ keys, clock, lifetime }: AccessTokensOptions): AccessTokens {
  const genuine = new LRUCache<string, AccessToken>({ max: CACHED_TOKENS });
  /** By the encoded header, which is the same for every token of a key: nothing else is even parsed. */
  let verifiers: ReadonlyMap<string, Verify> | undefined;

  function check(token: string): AccessToken {
    verifiers ??= new Map(keys.all().map((key) => [encodedHeader(key), createKeyVerifier(key)]));
    const verify = verifiers.get(token.slice(0, Math.max(0, token.indexOf('.'))));
    if (verify === undefined) throw commonErrors.authentication_required();
    let claims: unknown;
    try {
      claims = verify(token);
    } catch (error) {
      throw commonErrors.authentication_required({ cause: error });
    }
    return toAccessToken(claims);
  }

  return {
    lifetime,
    issue({ userId, role, issuedAt }) {
      const key = keys.all().at(-1);
      if (key === undefined) throw new Error('there is no signing key');
      const iat = issuedAt / 1000;
      // Rounded up, so that a token never lives shorter than its `expires_in`.
      const claims = { sub: String(userId), role, iat, exp: Math.ceil(iat) + lifetime, jti: createId() };
      const input = `${encodedHeader(key)}.${encode(claims)}`;
      return `${input}.${sign(null, Buffer.from(input), key.privateKey).toString('base64url')}`;
    },
    verify(token) {
      let known = genuine.get(token);
      if (known === undefined) {
        known = check(token);
        genuine.set(token, known);
      }
      if (known.expiresAt <= clock.now()) {
        throw commonErrors.authentication_required({ detail: 'The access token has expired.' });
      }
      return known;
    },
  };
}

function encodedHeader({ kid }: SigningKey): string {
  return encode({ alg: 'EdDSA', typ: 'JWT', kid });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function createKeyVerifier({ publicKey }: SigningKey): Verify {
  return createVerifier({
    key: publicKey.export({ format: 'pem', type: 'spki' }),
    algorithms: ['EdDSA'],
    requiredClaims: ['sub', 'role', 'iat', 'exp', 'jti'],
    // Checked above, on the system's clock and for remembered tokens too.
    ignoreExpiration: true,
  });
}

function toAccessToken(claims: unknown): AccessToken {
  const { sub, iat, exp } = claims as Record<string, unknown>;
  const userId = Number(sub);
  if (!Number.isSafeInteger(userId) || typeof iat !== 'number' || typeof exp !== 'number') {
    throw commonErrors.authentication_required();
  }
  return { userId, issuedAt: Math.round(iat * 1000), expiresAt: exp * 1000 };
}
