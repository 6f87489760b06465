import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { RollUpRequest } from './aggregation.port.ts';
import { createRollupKeeper } from './rollup-keeper.ts';

const signal = () => AbortSignal.timeout(10_000);

function setup(made: (request: RollUpRequest, call: number) => number) {
  const requests: RollUpRequest[] = [];
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) };
  const rollUp = async (request: RollUpRequest) => made(request, requests.push(request));
  const keeper = createRollupKeeper({
    telemetry: { rollUp },
    clock: { ...systemClock, now: () => 10_000_000 },
    logger,
    pauseMs: 1,
  });
  return { keeper, requests, warnings };
}

test('it goes on while there is work, looks again later, and only takes hours that have settled', async () => {
  const { keeper, requests } = setup(({ limit }, call) => (call < 4 ? limit : 0));
  await keeper.start?.(signal());
  await expect.poll(() => requests.length).toBeGreaterThan(5);
  await keeper.stop?.(signal());
  expect(requests[0]).toEqual({ endedBefore: 10_000_000 - 300_000, limit: 16 });
  const after = requests.length;
  await new Promise((resolve) => setImmediate(resolve));
  expect(requests.length).toBe(after);
});

test('a store that is away is tried again', async () => {
  const { keeper, requests, warnings } = setup((_, call) => {
    if (call < 3) throw commonErrors.unavailable();
    return 0;
  });
  await keeper.start?.(signal());
  await expect.poll(() => requests.length).toBeGreaterThan(3);
  await keeper.stop?.(signal());
  expect(warnings).toHaveLength(2);
});
