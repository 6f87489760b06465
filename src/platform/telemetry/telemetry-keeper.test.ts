import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { RollUpRequest } from './aggregation.port.ts';
import type { SealRequest } from './telemetry.port.ts';
import { createTelemetryKeeper } from './telemetry-keeper.ts';

const signal = () => AbortSignal.timeout(10_000);

function setup(made: (request: RollUpRequest, call: number) => number) {
  const requests: RollUpRequest[] = [];
  const seals: SealRequest[] = [];
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) };
  const rollUp = async (request: RollUpRequest) => made(request, requests.push(request));
  const keeper = createTelemetryKeeper({
    telemetry: { rollUp, seal: async (request) => (seals.push(request) < 4 ? request.limit : 0) },
    clock: { ...systemClock, now: () => 10_000_000 },
    logger,
    pauseMs: 1,
  });
  return { keeper, requests, seals, warnings };
}

test('it goes on while there is work, looks again later, and only takes hours that have settled', async () => {
  const { keeper, requests, seals } = setup(({ limit }, call) => (call < 4 ? limit : 0));
  await keeper.start?.(signal());
  await expect.poll(() => Math.min(requests.length, seals.length)).toBeGreaterThan(5);
  await keeper.stop?.(signal());
  expect(requests[0]).toEqual({ endedBefore: 10_000_000 - 300_000, limit: 16 });
  const now = 10_000_000;
  expect(seals[0]).toEqual({ endedBefore: now - 3_600_000, changedBefore: now - 600_000, limit: 16 });
  const after = requests.length;
  await new Promise((resolve) => setImmediate(resolve));
  expect(requests.length).toBe(after);
});

test('a store that is away is tried again', async () => {
  const { keeper, requests, seals, warnings } = setup((_, call) => {
    if (call < 3) throw commonErrors.unavailable();
    return 0;
  });
  await keeper.start?.(signal());
  await expect.poll(() => requests.length).toBeGreaterThan(3);
  await keeper.stop?.(signal());
  expect(warnings).toHaveLength(2);
  expect(seals.length).toBeGreaterThan(3);
});
