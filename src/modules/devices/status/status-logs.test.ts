import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import type { StatusLog } from './status.ports.ts';
import { createStatusLogs } from './status-logs.ts';
import { createTransitionOutbox } from './transitions.repository.ts';

let h: DevicesHarness;
/** What was logged, by its id. */
let logged: Map<string, Parameters<StatusLog['append']>[0][number]>;
let log: StatusLog;

beforeEach(async () => {
  h = await createDevicesHarness();
  logged = new Map();
  log = {
    async append(transitions) {
      for (const each of transitions) if (!logged.has(each.id)) logged.set(each.id, each);
    },
  };
});
afterEach(() => h.close());

const signal = () => AbortSignal.timeout(5_000);
const all = () => [...logged.values()].toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
const subject = (more: object = {}) =>
  createStatusLogs({
    log,
    outbox: createTransitionOutbox(h.sql),
    events: h.bus,
    clock: h.clock,
    logger: silentLogger,
    ...more,
  });
const change = (deviceId: number, status: 'ONLINE' | 'OFFLINE') =>
  ({ deviceId, status, at: h.clock.now(), source: 'connection' }) as const;

test('what a process that died stored and did not log is logged at the next start, once', async () => {
  const { id } = await h.device();
  // Stored with the status; the process ended before its log was written, or after, but before it said so.
  const [lost] = await h.api.applyStatuses([change(id, 'ONLINE')]);
  const [written] = await h.api.applyStatuses([change(id, 'OFFLINE')]);
  await log.append([written as never]);

  for (let start = 0; start < 2; start += 1) {
    const statusLogs = subject({ events: createEventBus(silentLogger) });
    await statusLogs.start?.(signal());
    await statusLogs.stop?.(signal());
    expect(all().map((log) => log.id)).toEqual([lost?.id, written?.id]);
    expect(await createTransitionOutbox(h.sql).unlogged(h.clock.now() + 1, 10)).toEqual([]);
  }
  expect(all().map(({ from, to }) => [from, to])).toEqual([
    ['OFFLINE', 'ONLINE'],
    ['ONLINE', 'OFFLINE'],
  ]);
});

test('what people and the server itself change is logged from the event', async () => {
  const { id } = await h.device();
  const statusLogs = subject();
  await statusLogs.start?.(signal());
  await h.app.request({
    method: 'PATCH',
    url: `/api/v1/devices/${id}`,
    as: h.actors.ADMIN,
    body: { status: 'MAINTENANCE' },
  });
  await vi.waitFor(async () => expect(all()).toHaveLength(1));
  await statusLogs.stop?.(signal());
  expect(all()).toMatchObject([{ source: 'operator', from: 'OFFLINE', to: 'MAINTENANCE' }]);
  expect(await createTransitionOutbox(h.sql).unlogged(h.clock.now() + 1, 10)).toEqual([]);
});

test('a start does not wait for a store that is away, and what it owes stays noted', async () => {
  const { id } = await h.device();
  await h.api.applyStatuses([change(id, 'ONLINE')]);
  const statusLogs = subject({ log: { append: () => Promise.reject(new Error('away')) } });
  await statusLogs.start?.(signal());
  await statusLogs.stop?.(signal());
  expect(await createTransitionOutbox(h.sql).unlogged(h.clock.now() + 1, 10)).toHaveLength(1);
});

describe('a clock that was a day ahead and is put back', () => {
  const DAY_MS = 86_400_000;

  test('does not keep a start from logging what was noted meanwhile', async () => {
    const { id } = await h.device();
    const now = h.clock.now();
    h.clock.set(now + DAY_MS);
    const [lost] = await h.api.applyStatuses([change(id, 'ONLINE')]);
    h.clock.set(now);
    const statusLogs = subject({ events: createEventBus(silentLogger) });
    await statusLogs.start?.(signal());
    await statusLogs.stop?.(signal());
    expect(all().map((log) => log.id)).toEqual([lost?.id]);
  });

  test('holds nothing up while the server runs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { id } = await h.device();
      const now = h.clock.now();
      h.clock.set(now + DAY_MS);
      const statusLogs = subject({ events: createEventBus(silentLogger) });
      await statusLogs.start?.(signal());
      const [ahead] = await h.api.applyStatuses([change(id, 'ONLINE')]);
      h.clock.set(now);
      const [since] = await h.api.applyStatuses([change(id, 'OFFLINE')]);
      h.clock.advance(60_001);
      vi.advanceTimersByTime(1_000);
      await vi.waitFor(async () => expect(all()).toHaveLength(2));
      expect(
        all()
          .map((log) => log.id)
          .toSorted(),
      ).toEqual([ahead?.id, since?.id].toSorted());
      await statusLogs.stop?.(signal());
    } finally {
      vi.useRealTimers();
    }
  });
});
