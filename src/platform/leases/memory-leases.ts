import type { Clock } from '#kernel/clock.ts';
import type { Leases } from './leases.port.ts';

interface Group {
  /** Member → until when it counts as there. */
  readonly members: Map<string, number>;
  /** Name → member. */
  readonly holders: Map<string, string>;
}

/** `Leases` inside one process. */
export function createMemoryLeases({ clock }: { readonly clock: Clock }): Leases {
  const groups = new Map<string, Group>();

  function groupOf(name: string): Group {
    const known = groups.get(name);
    if (known !== undefined) return known;
    const group: Group = { members: new Map(), holders: new Map() };
    groups.set(name, group);
    return group;
  }

  return {
    async round({ group, member, names, using, take, joins, ttlMs }) {
      const { members, holders } = groupOf(group);
      const now = clock.monotonic();
      for (const [other, until] of members) if (until <= now) members.delete(other);
      const known = members.has(member);
      members.set(member, now + ttlMs);
      const rank = [...members.keys()].toSorted().indexOf(member);
      const part = Math.floor(names.length / members.size) + (rank < names.length % members.size ? 1 : 0);
      const isFree = (name: string) => !members.has(holders.get(name) ?? '');
      for (const name of using) if (isFree(name)) holders.set(name, member);
      const held = names.filter((name) => holders.get(name) === member);
      for (const name of names) {
        if (!take || !(known || joins) || held.length >= part || !isFree(name)) continue;
        holders.set(name, member);
        held.push(name);
      }
      return { held: names.filter((name) => held.includes(name)), part, known };
    },
    async release(group, member, name) {
      const { holders } = groupOf(group);
      if (holders.get(name) === member) holders.delete(name);
    },
    async leave(group, member) {
      const { members, holders } = groupOf(group);
      members.delete(member);
      for (const [name, holder] of holders) if (holder === member) holders.delete(name);
    },
  };
}
