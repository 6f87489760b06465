import { createSigner, createVerifier } from 'fast-jwt';
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import { grownTo } from '#kernel/lru.ts';
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
type Sign = (claims: object) => string;

/**
 * JWTs signed with Ed25519 (RFC 8037), claims `sub, role, iat, exp, jti, iat_ms, sid`.
 *
 * `iat` and `exp` are whole seconds, and `iat` is never ahead of the clock: libraries of other services refuse what is
 * otherwise. Sign-out voids tokens to the millisecond, so the exact instant is a claim of its own, `iat_ms`. Checking a
 * signature costs more than serving a request, so tokens that were found genuine are remembered whole; their expiry is
 * checked each time, whether they can still be used is the authenticator's question.
 */
export function createAccessTokens({ keys, clock, lifetime }: AccessTokensOptions): AccessTokens {
  const genuine = new LRUCache<string, AccessToken>(grownTo(CACHED_TOKENS));
  /** By the encoded header, which is the same for every token of a key: nothing else is even parsed. */
  let verifiers: ReadonlyMap<string, Verify> | undefined;
  const signers = new Map<SigningKey, Sign>();

  function signerOf(key: SigningKey): Sign {
    let signer = signers.get(key);
    if (signer === undefined) {
      signer = createKeySigner(key);
      signers.set(key, signer);
    }
    return signer;
  }

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
    issue({ userId, role, issuedAt, sessionId }) {
      const key = keys.all().at(-1);
      if (key === undefined) throw new Error('there is no signing key');
      const now = clock.now();
      return signerOf(key)({
        sub: String(userId),
        role,
        iat: Math.floor(Math.min(issuedAt, now) / 1000),
        // Rounded up, so that a token never lives shorter than its `expires_in`.
        exp: Math.ceil(now / 1000) + lifetime,
        jti: createId(),
        iat_ms: issuedAt,
        sid: sessionId,
      });
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

/** As fast-jwt writes it. */
function encodedHeader({ kid }: SigningKey): string {
  return Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'JWT', kid })).toString('base64url');
}

function createKeySigner({ kid, privateKey }: SigningKey): Sign {
  return createSigner({ key: privateKey.export({ format: 'pem', type: 'pkcs8' }), algorithm: 'EdDSA', kid });
}

function createKeyVerifier({ publicKey }: SigningKey): Verify {
  return createVerifier({
    key: publicKey.export({ format: 'pem', type: 'spki' }),
    algorithms: ['EdDSA'],
    requiredClaims: ['sub', 'role', 'iat', 'exp', 'jti', 'iat_ms'],
    // Checked above, on the system's clock and for remembered tokens too.
    ignoreExpiration: true,
  });
}

function toAccessToken(claims: unknown): AccessToken {
  const { sub, iat_ms: issuedAt, exp, sid } = claims as Record<string, unknown>;
  const userId = Number(sub);
  if (!Number.isSafeInteger(userId) || !Number.isSafeInteger(issuedAt) || typeof exp !== 'number') {
    throw commonErrors.authentication_required();
  }
  const sessionId = typeof sid === 'string' ? sid : null;
  return { userId, issuedAt: issuedAt as number, expiresAt: exp * 1000, sessionId };
}
