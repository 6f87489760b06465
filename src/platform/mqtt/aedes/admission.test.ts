import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressBlock } from '#kernel/addresses.ts';
import { Admission } from './admission.ts';

const LIMITS = { connections: 12, strangers: 6, strangersPerAddress: 3 };

test('whoever comes and goes, every limit holds and the newest stranger has its place', () => {
  const step = fc.record({
    act: fc.constantFrom('enter', 'enter', 'admitted', 'leave'),
    who: fc.nat({ max: 40 }),
    ip: fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const admission = new Admission(LIMITS);
      const open = new Map<string, { readonly ip: string; known: boolean }>();
      let came = 0;
      for (const { act, who, ip } of steps) {
        const name = [...open.keys()][who % Math.max(1, open.size)];
        if (act === 'enter') {
          const peer = `peer ${came++}`;
          open.set(peer, { ip, known: false });
          const why = admission.enter(peer, ip, () => void open.delete(peer));
          if (why !== 'too_many_connections') expect(open.has(peer)).toBe(true);
        } else if (name !== undefined && act === 'admitted') {
          admission.admitted(name);
          open.set(name, { ip: open.get(name)?.ip ?? '', known: true });
        } else if (name !== undefined) {
          admission.leave(name);
          open.delete(name);
        }
        const strangers = [...open.values()].filter(({ known }) => !known);
        expect(open.size).toBeLessThanOrEqual(LIMITS.connections);
        expect(strangers.length).toBeLessThanOrEqual(LIMITS.strangers);
        for (const { ip: one } of strangers) {
          const same = strangers.filter((other) => addressBlock(other.ip) === addressBlock(one));
          expect(same.length).toBeLessThanOrEqual(LIMITS.strangersPerAddress);
        }
      }
    }),
  );
});
