import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createTestStores, type TestStores } from '#test/support/stores.ts';
import { createRuns } from './runs.ts';

const MINUTE = 60_000;
let clock: TestClock;
let stores: TestStores;
beforeEach(async () => {
  clock = createTestClock();
  stores = createTestStores(clock);
});
afterEach(() => stores.close());

const signal = () => AbortSignal.timeout(5_000);

test('what lies between a stop and the next start is a gap, and nothing else is', async () => {
  const runs = createRuns({ documents: stores.documents, clock, logger: silentLogger });
  await stores.start();
  const long = { start: clock.now() - 10 * MINUTE, end: clock.now() + 100 * MINUTE };
  expect(await runs.gaps(long)).toEqual([]);
  const startedAt = clock.now();
  await runs.recorder.start?.(signal());
  expect(await runs.runningSince()).toBe(startedAt);
  clock.advance(10_000);
  await runs.recorder.stop?.(signal());
  const stoppedAt = clock.now();
  clock.advance(30 * MINUTE);
  expect(await runs.gaps(long)).toEqual([{ start: stoppedAt, end: clock.now() }]);
  expect(await runs.runningSince()).toBe(clock.now());

  const again = clock.now();
  await runs.recorder.start?.(signal());
  expect(await runs.gaps(long)).toEqual([{ start: stoppedAt, end: again }]);
  expect(await runs.runningSince()).toBe(again);
  // Only the part that was asked for.
  const part = { start: stoppedAt + MINUTE, end: again - MINUTE };
  expect(await runs.gaps(part)).toEqual([part]);
  expect(await runs.gaps({ start: startedAt, end: stoppedAt })).toEqual([]);
  await runs.recorder.stop?.(signal());
});

test('while one of several processes runs there is no gap', async () => {
  const documents = stores.documents;
  const one = createRuns({ documents, clock, logger: silentLogger });
  await stores.start();
  const startedAt = clock.now();
  const two = { ...one, recorder: createRuns({ documents, clock, logger: silentLogger }).recorder };
  await one.recorder.start?.(signal());
  clock.advance(4_000);
  await two.recorder.start?.(signal());
  clock.advance(4_000);
  await one.recorder.stop?.(signal());
  clock.advance(4_000);
  await two.recorder.stop?.(signal());
  const stoppedAt = clock.now();
  clock.advance(MINUTE);
  expect(await one.gaps({ start: startedAt, end: clock.now() })).toEqual([{ start: stoppedAt, end: clock.now() }]);
});

test('a process that stood still begins another run', async () => {
  const runs = createRuns({ documents: stores.documents, clock, logger: silentLogger });
  await stores.start();
  await runs.recorder.start?.(signal());
  const before = clock.now();
  clock.advance(5 * MINUTE);
  // The beat after it.
  await runs.recorder.stop?.(signal());
  expect(await runs.gaps({ start: before, end: clock.now() })).toEqual([{ start: before, end: clock.now() }]);
  expect(await runs.runningSince()).toBe(clock.now());
});
