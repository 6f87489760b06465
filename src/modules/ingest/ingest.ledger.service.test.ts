import { expect, test } from 'vitest';
import type { LedgerEntry } from '#platform/telemetry/telemetry.port.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createLedgerService, TOTALS_AGE_MS } from './ingest.ledger.service.ts';

function harness() {
  const clock = createTestClock();
  const state = { stored: 0, backlog: 0, commits: 0, reads: 0, duringRead: () => {} };
  const ledger = createLedgerService({
    clock,
    devices: { getVisible: () => Promise.reject(new Error('not asked for')) },
    telemetry: {
      ledger: () => Promise.reject(new Error('not asked for')),
      async totals(): Promise<LedgerEntry> {
        state.reads += 1;
        const entry = { stored: state.stored, merged: 2, rejected: { invalid_json: 3, a: 1 } };
        state.duringRead();
        return entry;
      },
    },
    pipeline: { inFlight: () => 0, backlog: () => state.backlog, commitCount: () => state.commits },
  });
  return { ledger, state, clock };
}

test('totals add up, and the store is asked once however many ask within their age', async () => {
  const { ledger, state, clock } = harness();
  state.stored = 5;
  state.backlog = 7;
  const countedAt = clock.now();
  const [one, other] = await Promise.all([ledger.totals(), ledger.totals()]);
  const rejected = { invalid_json: 3, a: 1 };
  expect(one).toEqual({ stored: 5, merged: 2, rejected, inFlight: 7, received: 18, countedAt });
  expect(other).toBe(one);
  state.stored = 6;
  clock.advance(TOTALS_AGE_MS - 1);
  expect((await ledger.totals()).stored).toBe(5);
  expect(state.reads).toBe(1);
  clock.advance(1);
  expect((await ledger.totals()).stored).toBe(6);
});

test('a commit during the read makes it read again, so that nothing is missed between store and backlog', async () => {
  const { ledger, state } = harness();
  Object.assign(state, { stored: 1, backlog: 1 });
  state.duringRead = () => {
    state.duringRead = () => {};
    Object.assign(state, { stored: 2, backlog: 0, commits: 1 });
  };
  expect(await ledger.totals()).toMatchObject({ stored: 2, inFlight: 0, received: 8 });
});

test('commits that never cease do not keep the answer', async () => {
  const { ledger, state } = harness();
  state.duringRead = () => {
    state.commits += 1;
  };
  await ledger.totals();
  expect(state.reads).toBe(3);
});
