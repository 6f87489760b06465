import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SigningKey } from '../signing-keys.ts';
import type { Ticket } from './oauth.ports.ts';
import { createTicketSeal } from './ticket-seal.ts';

const newKey = () => generateKeyPairSync('ed25519') as unknown as SigningKey;
const ticket: Ticket = {
  provider: 'corp',
  flow: { state: 'state-1', nonce: 'nonce-1', codeVerifier: 'verifier-1' },
  codeChallenge: null,
  isOfConsole: false,
  expiresAt: 7,
};

describe('ticket seal', () => {
  const key = newKey();
  const seal = createTicketSeal({ keys: { all: () => [key] } });

  test('opens what it sealed, which nobody else can read', () => {
    const sealed = seal.seal(ticket);
    expect(seal.open(sealed)).toEqual(ticket);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toMatch(/verifier|corp/);
    expect(seal.seal(ticket)).not.toBe(sealed);
  });

  test('another process with the same keys opens it, one with other keys does not', () => {
    const sealed = seal.seal(ticket);
    const added = newKey();
    expect(createTicketSeal({ keys: { all: () => [key, added] } }).open(sealed)).toEqual(ticket);
    expect(createTicketSeal({ keys: { all: () => [added] } }).open(sealed)).toBeNull();
  });

  test('whatever is changed or made up is nothing', () => {
    const bytes = Buffer.from(seal.seal(ticket), 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(index) ^ mask, index);
        expect(seal.open(changed.toString('base64url'))).toBeNull();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void expect(seal.open(text)).toBeNull()));
  });
});
