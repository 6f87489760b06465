import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { anyRounds, anyRule } from '#test/support/alert-arbitraries.ts';
import { referenceAlerts } from '#test/support/alert-reference.ts';
import {
  createMonitoringWorld,
  hot,
  iso,
  type MonitoringProcess,
  type MonitoringWorld,
} from '#test/support/monitoring.ts';
import { createReplayService } from './replay.service.ts';
import { type RuleBody, toRuleInput } from './rules.schemas.ts';

let world: MonitoringWorld;
let here: MonitoringProcess;
beforeAll(async () => {
  world = await createMonitoringWorld();
  here = await world.open();
});
afterAll(() => world.close());

const DAY = 86_400_000;
const full = (rule: object) => ({ name: 'Test', metric: 'temperature', severity: 'INFO', ...rule });

function replay(rule: object, start: number, end: number, as: Principal = world.actors.ADMIN) {
  const body = { rule: full(rule), start: iso(start), end: iso(end) };
  return here.app.request({ method: 'POST', url: '/api/v1/monitoring/alert-rules/test', as, body });
}
const stored = (deviceId: number, ...samples: readonly (readonly [number, object])[]) =>
  world.telemetry.append({
    samples: samples.map(([timestamp, metrics]) => ({ deviceId, timestamp, metrics: metrics as { x: number } })),
    counts: [],
  });

describe('replaying', () => {
  test('says what the evaluator would have said, had everything come in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRounds, async (terms, rounds) => {
        const device = await here.device();
        const start = world.clock.now() - DAY;
        const readings = rounds.flat().map(({ timestamp, value }) => ({ timestamp: start + timestamp, value }));
        for (const { timestamp, value } of readings) await stored(device.id, [timestamp, { m: value }]);
        const answer = await replay(
          {
            metric: 'm',
            condition: terms.condition,
            threshold: terms.threshold,
            clear_threshold: terms.clearThreshold,
            for_seconds: terms.forSeconds,
            clear_for_seconds: terms.clearForSeconds,
            cooldown_seconds: terms.cooldownSeconds,
            scope: { device_id: device.id },
          },
          start,
          start + DAY,
        );
        expect(answer.status, answer.text).toBe(200);
        const [replayed] = answer.json().devices;
        expect(replayed.alerts).toEqual(
          referenceAlerts(terms, [readings]).map((alert) => ({
            started_at: iso(alert.startedAt),
            value: alert.value,
            occurrences: alert.occurrences,
            last_seen_at: iso(alert.lastSeenAt),
            last_value: alert.lastValue,
            cleared_at: alert.clearedAt === null ? null : iso(alert.clearedAt),
          })),
        );
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  test('changes nothing, and looks at the range alone', async () => {
    const device = await here.device();
    const start = world.clock.now() - DAY;
    await stored(device.id, [start - 1, { temperature: 50 }], [start, { temperature: 31 }], [start + 10, { other: 1 }]);
    await stored(device.id, [start + 20, { temperature: 40 }], [start + 30, { temperature: 0 }]);
    expect((await replay(hot(device), start, start + 30)).json()).toEqual({
      devices: [
        {
          device_id: device.id,
          device_uid: device.device_uid,
          samples: 2,
          alerts: [
            {
              started_at: iso(start),
              value: 31,
              occurrences: 2,
              last_seen_at: iso(start + 20),
              last_value: 40,
              cleared_at: null,
            },
          ],
        },
      ],
    });
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
    const rules = await here.app.request({
      url: '/api/v1/monitoring/alert-rules',
      as: world.actors.ADMIN,
      query: { device_id: device.id },
    });
    expect(rules.json().total).toBe(0);
  });

  test('finds silence between the samples, before them and after', async () => {
    const device = await here.device({ device_type: 'quiet' });
    const start = world.clock.now() - DAY;
    const at = (second: number) => start + second * 1_000;
    await stored(device.id, ...[100, 150, 212, 400].map((second) => [at(second), { temperature: 1 }] as const));
    const rule = { condition: 'no_data', for_seconds: 60, scope: { device_type: 'quiet' } };
    const { alerts } = (await replay(rule, start, at(500))).json().devices[0];
    const told = alerts.map((alert: Record<string, unknown>) => [alert['started_at'], alert['cleared_at']]);
    // 150 to 212 is longer than a minute by less than what may be on its way.
    expect(told).toEqual([
      [iso(at(60)), iso(at(100))],
      [iso(at(272)), iso(at(400))],
      [iso(at(460)), null],
    ]);
  });
});

test('of a metric that a device never sent, or not in the range, no history is read', async () => {
  const device = await here.device();
  const now = world.clock.now();
  await stored(device.id, [now - 2_000, { temperature: 31 }]);
  const history = vi.spyOn(world.telemetry, 'history');
  const ask = async (rule: object, start: number) => (await replay(rule, start, now)).json().devices[0];
  expect(await ask(hot(device, { metric: 'never' }), now - 5_000)).toMatchObject({ samples: 0, alerts: [] });
  expect(await ask(hot(device), now - 1_000)).toMatchObject({ samples: 0, alerts: [] });
  const silent = { scope: { device_id: device.id }, metric: 'never', condition: 'no_data', for_seconds: 60 };
  expect((await ask(silent, now - DAY)).alerts).toMatchObject([{ started_at: iso(now - DAY + 60_000) }]);
  expect(history).not.toHaveBeenCalled();
  history.mockRestore();
  expect(await ask(hot(device), now - 2_000)).toMatchObject({ samples: 1, alerts: [{ value: 31 }] });
});

describe('what is refused', () => {
  test('a rule that does not fit together, a range that is none or too long', async () => {
    const now = world.clock.now();
    const device = await here.device();
    const path = async (answer: ReturnType<typeof replay>) => {
      expect((await answer).status).toBe(422);
      return (await answer).json().errors[0].path;
    };
    expect(await path(replay(hot(device, { threshold: [1, 2] }), now - 1, now))).toBe('/rule/threshold');
    expect(await path(replay(hot(device, { name: '' }), now - 1, now))).toBe('/rule/name');
    expect(await path(replay(hot(device, { scope: {} }), now - 1, now))).toBe('/rule/scope');
    expect(await path(replay(hot(device, { scope: { group_id: 2_000_000_000 } }), now - 1, now))).toBe(
      '/rule/scope/group_id',
    );
    expect(await path(replay(hot(device), now, now))).toBe('/start');
    expect(await path(replay(hot(device), now - 32 * DAY, now))).toBe('/end');
    // Not too large: the wrong way round.
    expect((await replay(hot(device), now, now - 1)).json()).toMatchObject({
      code: 'invalid_input',
      detail: 'The start is not before the end.',
    });
  });

  test('too many devices, samples or alerts', async () => {
    const now = world.clock.now();
    const refused = async (rule: object) => {
      const answer = await replay(rule, now - DAY, now);
      expect(answer.json()).toMatchObject({ status: 422, code: 'alert_test_too_large' });
      return answer.json().detail;
    };
    for (let made = 0; made <= 100; made += 1) await here.device({ device_type: 'crowd' });
    const crowd = { condition: 'gt', threshold: 1, scope: { device_type: 'crowd' } };
    expect(await refused(crowd)).toContain('100 devices');
    const device = await here.device();
    const times = Array.from({ length: 2_100 }, (_, index) => [
      now - DAY + index,
      { temperature: 29 + (index % 2) * 2 },
    ]);
    await stored(device.id, ...(times as [number, object][]));
    expect(await refused(hot(device))).toContain('1000 alerts');
  });

  test('to a USER, devices that are not its own', async () => {
    const now = world.clock.now();
    const mine = await here.device({ owner_id: world.stranger.userId });
    const others = await here.device();
    expect((await replay(hot(mine), now - 1, now, world.stranger)).status).toBe(200);
    expect((await replay(hot(others), now - 1, now, world.stranger)).status).toBe(404);
    expect((await replay(hot(mine, { scope: { all: true } }), now - 1, now, world.stranger)).status).toBe(422);
  });

  test('more than two of a person, or eight in all, at a time', async () => {
    const device = await here.device();
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const service = createReplayService({
      rules: { requireScope: async () => {} },
      devices: here.devices.api,
      // The store, held back until the third has asked.
      telemetry: { ...world.telemetry, latest: async (id) => gate.then(() => world.telemetry.latest(id)) },
      clock: world.clock,
    });
    const rule = toRuleInput(full(hot(device)) as RuleBody);
    const ask = (as = world.actors.ADMIN) => service.test(as, rule, { start: 0, end: 1 });
    const busy = { code: 'alert_tests_busy', details: { retryAfterSeconds: 5 } };
    const tests = [ask(), ask()];
    await expect(ask()).rejects.toMatchObject(busy);
    // One person does not hold the places of the others; all together hold a bounded number.
    const { MANAGER, USER, SUPERADMIN } = world.actors;
    for (const as of [MANAGER, USER, SUPERADMIN]) tests.push(ask(as), ask(as));
    await expect(ask(world.stranger)).rejects.toMatchObject(busy);
    open();
    expect(await Promise.all(tests)).toHaveLength(8);
    expect(await ask()).toMatchObject([{ samples: 0, alerts: [] }]);
  });

  test('more time than there is', async () => {
    const device = await here.device();
    const service = createReplayService({
      rules: { requireScope: async () => {} },
      devices: here.devices.api,
      // A store that takes a minute for an answer.
      telemetry: {
        ...world.telemetry,
        latest: async () => {
          world.clock.advance(60_000);
          return { temperature: { value: 31, timestamp: 5 } };
        },
      },
      clock: world.clock,
    });
    const rule = toRuleInput(full(hot(device)) as RuleBody);
    await expect(service.test(world.actors.ADMIN, rule, { start: 0, end: 10 })).rejects.toMatchObject({
      ...{ code: 'alert_test_too_large', message: expect.stringContaining('10 s') },
    });
  });
});
