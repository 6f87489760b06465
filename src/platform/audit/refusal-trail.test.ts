import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Logger } from '#kernel/logger.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import type { AuditEntry } from './audit.port.ts';
import { createRefusalTrail } from './refusal-trail.ts';

let clock: TestClock;
let written: AuditEntry[];
let errors: object[];
let fails: boolean;
let trail: ReturnType<typeof createRefusalTrail>;

beforeEach(async () => {
  clock = createTestClock();
  written = [];
  errors = [];
  fails = false;
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields) => void errors.push(fields),
    child: () => logger,
  };
  const audit = {
    async record(entry: AuditEntry) {
      if (fails) throw new Error('away');
      written.push(entry);
    },
  };
  trail = createRefusalTrail({
    audit,
    clock,
    logger,
    counted: { action: 'auth.refusals_counted', resourceType: 'user' },
  });
  await trail.start?.(AbortSignal.timeout(1_000));
});
afterEach(() => trail.stop?.(AbortSignal.timeout(1_000)));

const refuse = (ip: string, action = 'auth.login_failed') =>
  trail.record({ actor: null, origin: { ip, requestId: 'r' }, action, resourceType: 'user', resourceId: null });

async function refuseOften(times: number, ip: (index: number) => string) {
  for (let index = 0; index < times; index += 1) await refuse(ip(index));
}

test('ten of one address are written, the rest is counted into one entry when the minute is over', async () => {
  await refuseOften(500, () => '192.0.2.1');
  await refuse('192.0.2.2');
  expect(written).toHaveLength(11);

  clock.advance(60_000);
  await refuse('192.0.2.1', 'auth.refresh_token_reused');
  expect(written).toHaveLength(13);
  expect(written[11]).toEqual({
    actor: null,
    action: 'auth.refusals_counted',
    resourceType: 'user',
    resourceId: null,
    details: {
      count: 490,
      since: '2026-11-23T00:00:00.000Z',
      actions: { 'auth.login_failed': 490 },
      addresses: { '192.0.2.1': 490 },
    },
  });
  expect(written[12]?.action).toBe('auth.refresh_token_reused');
});

test('however many addresses there are, a minute has 60 entries, and the loudest are named', async () => {
  await refuseOften(3_000, (index) => `2001:db8:0:${(index % 1_000).toString(16)}::1`);
  await refuseOften(50, () => '192.0.2.9');
  expect(written).toHaveLength(60);
  await trail.stop?.(AbortSignal.timeout(1_000));
  const details = written[60]?.details as { count: number; addresses: Record<string, number> };
  expect(details.count).toBe(3_050 - 60);
  expect(Object.keys(details.addresses)).toHaveLength(10);
  expect(details.addresses['192.0.2.9']).toBe(50);
});

test('a quiet minute ends without an entry of its own', async () => {
  await refuse('192.0.2.1');
  clock.advance(60_000);
  await refuse('192.0.2.1');
  await trail.stop?.(AbortSignal.timeout(1_000));
  expect(written.map(({ action }) => action)).toEqual(['auth.login_failed', 'auth.login_failed']);
});

test('a count that cannot be written is logged', async () => {
  await refuseOften(11, () => '192.0.2.1');
  clock.advance(60_000);
  fails = true;
  await expect(refuse('192.0.2.1')).rejects.toThrow('away');
  expect(errors).toMatchObject([{ count: 1 }]);
});
