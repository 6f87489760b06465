import { expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock } from '#test/support/clock.ts';
import type { AuditEntry } from './audit.port.ts';
import { createHourlyRefusals } from './hourly-refusals.ts';

const HOUR = 3_600_000;

function setUp() {
  const clock = createTestClock();
  const entries: AuditEntry[] = [];
  const audit = { record: async (entry: AuditEntry) => void entries.push(entry) };
  return { clock, entries, trail: createHourlyRefusals({ audit, clock, logger: silentLogger }) };
}
const refusal = (deviceId: number, reason = 'late_response') => ({
  deviceId,
  action: 'command.response_refused',
  reason,
});

test('the first of a device and a reason is an entry, the others of the hour are one with their number', async () => {
  const { clock, entries, trail } = setUp();
  const since = new Date(clock.now()).toISOString();
  for (let index = 0; index < 100; index++) trail.note({ ...refusal(1), details: { index } });
  trail.note(refusal(1, 'unknown_command'));
  trail.note(refusal(2));
  expect(entries.map(({ resourceId, details }) => [resourceId, details])).toEqual([
    ['1', { reason: 'late_response', index: 0 }],
    ['1', { reason: 'unknown_command' }],
    ['2', { reason: 'late_response' }],
  ]);
  clock.advance(HOUR);
  trail.note(refusal(2));
  expect(entries.slice(3)).toMatchObject([
    { resourceId: '1', details: { reason: 'late_response', count: 99, since } },
    { resourceId: '2', details: { reason: 'late_response' } },
  ]);
  await trail.stop?.(AbortSignal.timeout(1_000));
  expect(entries).toHaveLength(5);
});

test('many devices fill it no further than its limit, and the rest is counted when the process stops', async () => {
  const { entries, trail } = setUp();
  for (let device = 1; device <= 1_000; device++) trail.note(refusal(device));
  trail.note(refusal(1));
  expect(entries).toHaveLength(600);
  await trail.stop?.(AbortSignal.timeout(1_000));
  expect(entries.slice(600)).toMatchObject([
    { resourceId: '1', details: { count: 1 } },
    { action: 'device.refusals_counted', details: { count: 400 } },
  ]);
});

test('a store that is away costs the entry, and nobody else anything', async () => {
  const clock = createTestClock();
  const audit = { record: () => Promise.reject(new Error('away')) };
  const trail = createHourlyRefusals({ audit, clock, logger: silentLogger });
  trail.note(refusal(1));
  await expect(trail.stop?.(AbortSignal.timeout(1_000))).resolves.toBeUndefined();
});
