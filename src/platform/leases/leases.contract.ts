import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LeaseRound, Leases } from './leases.port.ts';

export interface LeasesHarness {
  readonly leases: Leases;
  /** Lets this much time pass for the store. */
  advance(ms: number): Promise<void>;
  /** The store loses everything. */
  forget(): Promise<void>;
  close?(): Promise<void>;
}

const TTL_MS = 10_000;
const NAMES = ['1-of-4', '2-of-4', '3-of-4', '4-of-4'];

/** What every `Leases` does. `create` gives an empty one. */
export function leasesContract(name: string, create: () => Promise<LeasesHarness>): void {
  describe(`Leases: ${name}`, () => {
    let harness: LeasesHarness;
    beforeEach(async () => {
      harness = await create();
    });
    afterEach(() => harness.close?.());

    const round = (member: string, more: Partial<LeaseRound> = {}) =>
      harness.leases.round({
        group: 'g',
        member,
        names: NAMES,
        using: [],
        take: true,
        joins: true,
        ttlMs: TTL_MS,
        ...more,
      });

    test('who is alone takes all, in order', async () => {
      expect(await round('a')).toEqual({ held: NAMES, part: 4, known: false });
      expect(await round('a', { using: NAMES })).toEqual({ held: NAMES, part: 4, known: true });
    });

    test('a second one gets its part when the first gives back, and no share has two', async () => {
      await round('a');
      expect(await round('b')).toMatchObject({ held: [], part: 2 });
      expect(await round('a', { using: NAMES })).toMatchObject({ held: NAMES, part: 2 });
      await harness.leases.release('g', 'a', '4-of-4');
      await harness.leases.release('g', 'a', '3-of-4');
      // Not taken back by the one that has its part.
      expect((await round('a', { using: NAMES.slice(0, 2) })).held).toEqual(['1-of-4', '2-of-4']);
      expect(await round('b')).toMatchObject({ held: ['3-of-4', '4-of-4'], part: 2 });
    });

    test('what does not come out even goes to those that sort first; beyond the number there is nothing', async () => {
      for (const member of ['c', 'a', 'b']) await round(member, { take: false });
      const parts = await Promise.all(['a', 'b', 'c'].map(async (member) => (await round(member)).part));
      expect(parts).toEqual([2, 1, 1]);
      for (const member of ['d', 'e']) await round(member, { take: false });
      expect(await round('e')).toMatchObject({ held: [], part: 0 });
    });

    test('who is not heard of loses what it had; when it comes back, it gets none of that', async () => {
      await round('a');
      await round('b');
      await harness.advance(TTL_MS - 1_000);
      await round('b');
      await harness.advance(2_000);
      expect(await round('b')).toMatchObject({ held: NAMES, part: 4 });
      expect(await round('a', { using: NAMES })).toMatchObject({ held: [], part: 2 });
    });

    test('who was away for long and finds its shares free keeps them', async () => {
      await round('a');
      await harness.advance(2 * TTL_MS);
      await round('b', { take: false });
      expect((await round('a', { using: NAMES, take: false })).held).toEqual(NAMES);
    });

    test('a store that forgot everything: each keeps what it uses, nobody takes who does not ask to', async () => {
      await round('a', { take: false });
      await round('b');
      await round('a');
      await harness.forget();
      expect((await round('a', { using: ['1-of-4', '2-of-4'], take: false })).held).toEqual(['1-of-4', '2-of-4']);
      expect((await round('b', { using: ['3-of-4', '4-of-4'], take: false })).held).toEqual(['3-of-4', '4-of-4']);
      expect((await round('b', { using: NAMES })).held).toEqual(['3-of-4', '4-of-4']);
    });

    test('who is not known any more takes nothing, and is told: others may be there who had no time to say so', async () => {
      await round('a');
      await round('b');
      await harness.forget();
      const again = await round('b', { joins: false });
      expect(again).toEqual({ held: [], part: 4, known: false });
      expect((await round('a', { using: NAMES, joins: false })).held).toEqual(NAMES);
      expect(await round('b', { joins: false })).toEqual({ held: [], part: 2, known: true });
    });

    test('leaving frees everything at once; a share of another is not released', async () => {
      await round('a');
      await harness.leases.release('g', 'b', '1-of-4');
      await round('b');
      expect((await round('b')).held).toEqual([]);
      await harness.leases.leave('g', 'a');
      await harness.leases.leave('g', 'a');
      expect(await round('b')).toMatchObject({ held: NAMES, part: 4 });
    });

    test('groups know nothing of each other', async () => {
      await round('a');
      expect((await round('b', { group: 'other' })).held).toEqual(NAMES);
    });

    test('many at once: every share has one holder', async () => {
      const members = Array.from({ length: 7 }, (_, index) => `m${index}`);
      await Promise.all(members.map((member) => round(member, { take: false })));
      const states = await Promise.all(members.map((member) => round(member)));
      expect(states.flatMap(({ held }) => held).toSorted()).toEqual(NAMES);
    });
  });
}
