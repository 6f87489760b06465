import { expect, test } from 'vitest';
import { hashSecret } from '#kernel/ids.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createPersonalTokenVerifier } from './personal-token-verifier.ts';
import type { PersonalToken } from './personal-tokens.ports.ts';

const TOKEN: PersonalToken = {
  id: 1,
  userId: 7,
  name: 'export',
  role: 'USER',
  isReadOnly: false,
  expiresAt: null,
  lastUsedAt: null,
  createdAt: 0,
};

function setup() {
  const stored = new Map([[hashSecret('good'), TOKEN]]);
  let version: number | null = 0;
  const reads: string[] = [];
  const uses: number[] = [];
  const clock = createTestClock();
  /** Runs after the store was asked, before the answer is used. */
  let afterRead = () => {};
  const verifier = createPersonalTokenVerifier({
    clock,
    tokens: () => ({
      async findByHash(hash) {
        reads.push(hash);
        const found = stored.get(hash) ?? null;
        afterRead();
        return found;
      },
      async noteUse(_, now) {
        uses.push(now);
        throw new Error('away');
      },
    }),
  });
  const verify = (token = 'good') => verifier.verify(token, async () => version);
  return {
    clock,
    reads,
    uses,
    verify,
    /** As one transaction does it. */
    revoke() {
      stored.clear();
      version = (version ?? 0) + 1;
    },
    setVersion: (next: number | null) => {
      version = next;
    },
    whenRead: (work: () => void) => {
      afterRead = () => {
        afterRead = () => {};
        work();
      };
    },
  };
}

test('a token that is known costs no read, until another of its user’s ways in has ended', async () => {
  const { reads, verify, setVersion } = setup();
  expect(await verify()).toEqual(TOKEN);
  const before = reads.length;
  for (let count = 0; count < 10; count += 1) expect(await verify()).toEqual(TOKEN);
  expect(reads).toHaveLength(before);
  setVersion(1);
  expect(await verify()).toEqual(TOKEN);
  expect(reads).toHaveLength(before + 1);
});

test('one that is revoked is refused at once, also while it is looked at for the first time', async () => {
  const known = setup();
  await known.verify();
  known.revoke();
  expect(await known.verify()).toBeNull();
  const fresh = setup();
  fresh.whenRead(fresh.revoke);
  expect(await fresh.verify()).toBeNull();
  expect(await fresh.verify()).toBeNull();
});

test('whose user has no access is refused, known or not', async () => {
  const { verify, setVersion } = setup();
  setVersion(null);
  expect(await verify()).toBeNull();
  setVersion(0);
  await verify();
  setVersion(null);
  expect(await verify()).toBeNull();
  expect(await verify('unknown')).toBeNull();
});

test('nobody waits for the note of its use, which is made once a minute', async () => {
  const { clock, uses, verify } = setup();
  for (let count = 0; count < 3; count += 1) expect(await verify()).toEqual(TOKEN);
  expect(uses).toHaveLength(1);
  clock.advance(60_000);
  await verify();
  expect(uses).toHaveLength(2);
});
