import { describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createId, createOrderedIds, createSecret, hashSecret, secretMatches } from './ids.ts';

describe('ids and secrets', () => {
  test('ordered ids are UUIDs that sort as they were made, also within a millisecond and when the clock steps back', () => {
    const times = [5, 5, 7, 3, 3, 8].flatMap((ms) => Array.from({ length: 3_000 }, () => 1_760_000_000_000 + ms));
    const next = createOrderedIds({ ...systemClock, now: () => times.shift() ?? 0 });
    const ids = Array.from({ length: times.length }, () => next());
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('an id is a UUID, a secret is base64url of that many bytes', () => {
    expect(createId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(createSecret()).toMatch(/^[\w-]{43}$/);
    expect(createSecret(16)).toMatch(/^[\w-]{22}$/);
    expect(new Set(Array.from({ length: 100 }, () => createSecret(16))).size).toBe(100);
  });

  test('a secret matches its own hash only; a broken hash matches nothing', () => {
    const secret = createSecret();
    // https://www.di-mgt.com.au/sha_testvectors.html
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(secretMatches(secret, hashSecret(secret))).toBe(true);
    expect(secretMatches(`${secret}x`, hashSecret(secret))).toBe(false);
    for (const broken of ['', 'zz', secret, hashSecret(secret).slice(0, 62)]) {
      expect(secretMatches(secret, broken)).toBe(false);
    }
  });
});
