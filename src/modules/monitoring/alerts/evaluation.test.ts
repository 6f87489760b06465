import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyRounds, anyRule } from '#test/support/alert-arbitraries.ts';
import { referenceAlerts } from '#test/support/alert-reference.ts';
import {
  alertEvents,
  createMonitoringWorld,
  hot,
  iso,
  type MonitoringProcess,
  type MonitoringWorld,
} from '#test/support/monitoring.ts';
import type { RuleTerms } from '../rules/rules.ports.ts';

let world: MonitoringWorld;
beforeAll(async () => {
  world = await createMonitoringWorld();
});
afterAll(() => world.close());

const patch = (on: MonitoringProcess, id: number, body: object) =>
  on.app.request({ method: 'PATCH', url: `/api/v1/monitoring/alert-rules/${id}`, as: world.actors.ADMIN, body });

function toBody(terms: RuleTerms, deviceId: number): Readonly<Record<string, unknown>> {
  return {
    metric: terms.metric,
    condition: terms.condition,
    threshold: terms.threshold,
    clear_threshold: terms.clearThreshold,
    for_seconds: terms.forSeconds,
    clear_for_seconds: terms.clearForSeconds,
    cooldown_seconds: terms.cooldownSeconds,
    scope: { device_id: deviceId },
  };
}

/** An alert as the reference tells it. */
const asReference = (alert: Readonly<Record<string, unknown>>) => ({
  startedAt: Date.parse(String(alert['started_at'])),
  value: alert['value'],
  occurrences: alert['occurrences'],
  lastSeenAt: Date.parse(String(alert['last_seen_at'])),
  lastValue: alert['last_value'],
  clearedAt: alert['cleared_at'] === null ? null : Date.parse(String(alert['cleared_at'])),
});

describe('an alert', () => {
  test('is raised, advances while the condition holds, and is cleared by itself', async () => {
    const here = await world.open();
    const device = await here.device();
    const rule = await here.rule(hot(device));
    const now = world.clock.now();
    await here.send(device.id, [now, { temperature: 29 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
    await here.send(device.id, [now + 1_000, { temperature: 31, humidity: 4 }], [now + 2_000, { humidity: 5 }]);
    await here.judge();
    await here.send(device.id, [now + 3_000, { temperature: 33 }], [now + 4_000, { temperature: 32 }]);
    await here.judge();
    const active = {
      rule_id: rule.id,
      rule_name: 'Too hot',
      device_id: device.id,
      device_uid: device.device_uid,
      severity: 'WARNING',
      status: 'ACTIVE',
      message: 'temperature is 31, above 30',
      value: 31,
      last_value: 32,
      threshold: 30,
      occurrences: 3,
      started_at: iso(now + 1_000),
      last_seen_at: iso(now + 4_000),
      cleared_at: null,
      is_acknowledged: false,
    };
    expect(await here.alerts({ device_id: device.id })).toMatchObject([active]);
    await here.send(device.id, [now + 5_000, { temperature: 30 }]);
    await here.judge();
    const cleared = { ...active, status: 'CLEARED', cleared_at: iso(now + 5_000) };
    expect(await here.alerts({ device_id: device.id })).toMatchObject([cleared]);
    expect(alertEvents(here)).toEqual(['alert.raised', 'alert.cleared']);
    expect(here.told).toMatchObject([
      [device.device_uid, { status: 'ACTIVE', occurrences: 1 }],
      [device.device_uid, cleared],
    ]);
  });

  test('that of a range and that of a string say what they are about', async () => {
    const here = await world.open();
    const device = await here.device();
    await here.rule(hot(device, { condition: 'outside', threshold: [1, 2] }));
    await here.rule(hot(device, { metric: 'door', condition: 'eq', threshold: 'open' }));
    await here.rule(hot(device, { metric: 'constructor' }));
    await here.send(device.id, [world.clock.now(), { temperature: 3, door: 'open' }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([
      { message: 'temperature is 3, outside 1 to 2', threshold: [1, 2], value: 3 },
      { message: 'door is "open", equal to "open"', threshold: 'open', value: 'open' },
    ]);
  });

  test.each([true, false])('a value that flaps raises every one of its alerts (alone: %j)', async (alone) => {
    const here = await world.open({ alone });
    const device = await here.device();
    const rule = await here.rule(hot(device));
    const start = world.clock.now() + 1;
    const samples = Array.from(
      { length: 400 },
      (_, index) => [start + index, { temperature: 29 + (index % 2) * 2 }] as const,
    );
    await here.send(device.id, ...samples);
    await here.judge();
    const url = `/api/v1/monitoring/alerts?size=1&sort=-id&rule_id=${rule.id}`;
    const list = (await here.app.request({ url, as: world.actors.ADMIN })).json();
    expect(list).toMatchObject({ total: 200, items: [{ status: 'ACTIVE', started_at: iso(start + 399) }] });
  });

  test('what was measured before the rule was made is judged when it comes after that', async () => {
    const here = await world.open();
    const device = await here.device();
    const hourAgo = world.clock.now() - 3_600_000;
    await here.send(device.id, [hourAgo - 1_000, { temperature: 99 }]);
    await here.rule(hot(device, { for_seconds: 600 }));
    await here.send(device.id, [hourAgo, { temperature: 31 }]);
    await here.judge();
    await here.send(device.id, [hourAgo + 600_000, { temperature: 32 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([
      { started_at: iso(hourAgo + 600_000), value: 32 },
    ]);
  });
});

describe('through restarts', () => {
  test('any series gives the alerts of the reference, whatever dies between commit and judgement', async () => {
    let here = await world.open();
    const rest = fc.infiniteStream(fc.constantFrom('judge', 'die', 'stop'));
    // By a device's clock, before or after the rule was made.
    const anyClock = fc.constantFrom(1, -3_600_000);
    await fc.assert(
      fc.asyncProperty(anyRule, anyRounds, rest, anyClock, async (terms, steps, fates, off) => {
        const device = await here.device();
        const start = world.clock.now() + off;
        await here.send(device.id, [start - 1, { m: terms.threshold as number }]);
        world.clock.advance(1);
        await here.rule(toBody(terms, device.id));
        const rounds: { timestamp: number; value: number | boolean | string }[][] = [[]];
        for (const step of steps) {
          for (const { timestamp, value } of step) {
            const reading = { timestamp: start + timestamp, value };
            rounds.at(-1)?.push(reading);
            await here.send(device.id, [reading.timestamp, { m: value }]);
          }
          const [fate] = fates.take(1);
          if (fate === 'judge') await here.judge();
          if (fate === 'stop') await here.monitoring.components[1]?.stop?.(AbortSignal.timeout(1_000));
          if (fate !== 'die') rounds.push([]);
          if (fate === 'judge') continue;
          here = await world.open();
          if (fate === 'die') {
            here.monitoring.inner.evaluation.recheck([device.id]);
            await here.judge();
            rounds.push([]);
          }
        }
        await here.judge();
        const alerts = await here.alerts({ device_id: device.id });
        expect(alerts.map(asReference)).toEqual(referenceAlerts(terms, rounds));
      }),
      { numRuns: 20 },
    );
  }, 240_000);

  test.each([true, false])('what was stored before the rule was made is not judged (alone: %j)', async (alone) => {
    const here = await world.open({ alone });
    const device = await here.device();
    const now = world.clock.now();
    // Another rule has judged nothing since long ago, so that the store is read from there.
    await here.rule(hot(device, { metric: 'other' }));
    await here.send(device.id, [now - 9_000, { other: 1 }]);
    await here.judge();
    await here.send(device.id, [now - 2_000, { temperature: 50 }], [now - 1_000, { temperature: 50 }]);
    world.clock.advance(1);
    await here.rule(hot(device));
    here.monitoring.inner.evaluation.recheck([device.id]);
    await here.judge();
    await here.send(device.id, [now + 2, { temperature: 20 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
  });

  test.each([1, -3_600_000])(
    'a start judges what the last one left behind, of every scope (clock %j ms off)',
    async (off) => {
      const first = await world.open();
      const device_type = `left-behind ${off}`;
      const device = await first.device({ device_type });
      const other = await first.device({ device_type });
      world.clock.advance(1);
      await first.rule(hot(device, { scope: { device_type } }));
      world.clock.advance(1);
      const newcomer = await first.device({ device_type });
      const now = world.clock.now() + off;
      await first.send(device.id, [now, { temperature: 31 }]);
      await first.judge();
      await first.send(device.id, [now + 1, { temperature: 20 }], [now + 2, { temperature: 40 }]);
      for (const { id } of [other, newcomer]) await first.send(id, [now + 1, { temperature: 50 }]);
      const second = await world.open();
      await second.tick();
      expect(await second.alerts({ device_id: device.id })).toMatchObject([
        { status: 'CLEARED', value: 31 },
        { status: 'ACTIVE', value: 40 },
      ]);
      for (const { id } of [other, newcomer]) {
        expect(await second.alerts({ device_id: id })).toMatchObject([{ status: 'ACTIVE', value: 50 }]);
      }
    },
  );
});

describe('several processes', () => {
  test('that see a device’s samples in turn raise the alerts of one', async () => {
    const processes = [await world.open({ alone: false }), await world.open({ alone: false })] as const;
    const pick = fc.infiniteStream(fc.record({ by: fc.nat(1), judges: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(anyRule, anyRounds, pick, async (terms, steps, picks) => {
        const device = await processes[0].device();
        const rule = await processes[0].rule(toBody(terms, device.id));
        await processes[1].bus.deliver('alert_rule.changed', world.clock.now(), { rule_id: rule.id }, 'relay');
        const start = world.clock.now() + 1;
        const readings = steps.flat().toSorted((a, b) => a.timestamp - b.timestamp);
        for (const { timestamp, value } of readings) {
          const [{ by, judges } = { by: 0, judges: true }] = picks.take(1);
          const one = processes[by === 0 ? 0 : 1];
          await one.send(device.id, [start + timestamp, { m: value }]);
          if (judges) await one.judge();
        }
        await Promise.all(processes.map((each) => each.judge()));
        const merged = [...new Map(readings.map((each) => [each.timestamp, each])).values()];
        const rounds = merged.map(({ timestamp, value }) => [{ timestamp: start + timestamp, value }]);
        const alerts = await processes[1].alerts({ device_id: device.id });
        // A value that replaces one of the same time may come before or after that one was judged.
        if (merged.length === readings.length) {
          expect(alerts.map(asReference)).toEqual(referenceAlerts(terms, rounds));
        }
      }),
      { numRuns: 15 },
    );
  }, 240_000);

  test('that judge the same at once raise one alert', async () => {
    const processes = await Promise.all([1, 2, 3].map(() => world.open({ alone: false })));
    const [first] = processes as [MonitoringProcess, ...MonitoringProcess[]];
    const device = await first.device();
    await first.rule(hot(device));
    for (const each of processes) await each.monitoring.components[0]?.start?.(AbortSignal.timeout(1_000));
    // Hot, hot and cold, three samples each, of which every process has seen one.
    for (let round = 0; round < 9; round += 1) {
      const now = world.clock.now() + (round + 1) * 1_000;
      for (const [index, each] of processes.entries()) {
        await each.send(device.id, [now + index, { temperature: round % 3 === 2 ? 29 : 31 }]);
      }
      await Promise.all(processes.map((each) => each.judge()));
      const alerts = await first.alerts({ device_id: device.id });
      expect(alerts.length).toBe(Math.ceil((round + 1) / 3));
      const expected = [
        { status: 'ACTIVE', occurrences: 3 },
        { status: 'ACTIVE', occurrences: 6, last_seen_at: iso(now + 2) },
        { status: 'CLEARED', occurrences: 6, cleared_at: iso(now) },
      ];
      expect(alerts.at(-1)).toMatchObject(expected[round % 3] ?? {});
    }
    expect(processes.flatMap(alertEvents).sort()).toEqual([
      ...Array(3).fill('alert.cleared'),
      ...Array(3).fill('alert.raised'),
    ]);
  });

  test('a changed rule counts in the others at once, and after a gap of the relay', async () => {
    const [one, two] = [await world.open({ alone: false }), await world.open({ alone: false })];
    const device = await one.device();
    const rule = await one.rule(hot(device));
    await two.bus.deliver('alert_rule.changed', world.clock.now(), { rule_id: rule.id }, 'relay');
    const now = world.clock.now() + 1;
    await two.send(device.id, [now, { temperature: 35 }]);
    await two.judge();
    expect(await one.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE' }]);
    // The other one is not told: it finds out when it wants to store what it judged.
    await patch(one, rule.id, { threshold: 40 });
    expect(await one.alerts({ device_id: device.id })).toMatchObject([{ status: 'CLEARED' }]);
    await two.send(device.id, [now + 1, { temperature: 36 }]);
    await two.judge();
    expect(await one.alerts({ device_id: device.id })).toHaveLength(1);
    await patch(one, rule.id, { threshold: 20 });
    await two.bus.deliver('relay.gap', world.clock.now(), {}, 'local');
    await two.send(device.id, [now + 2, { temperature: 36 }]);
    await two.judge();
    expect(await one.alerts({ device_id: device.id })).toMatchObject([{}, { status: 'ACTIVE', threshold: 20 }]);
  });
});

describe('what a rule is about', () => {
  test('changes with the device', async () => {
    const here = await world.open();
    const device = await here.device({ device_type: 'oven' });
    const url = `/api/v1/devices/${device.id}`;
    await here.rule(hot(device, { scope: { device_type: 'oven' } }));
    const now = world.clock.now() + 1;
    await here.send(device.id, [now, { temperature: 31 }]);
    await here.judge();
    await here.app.request({ method: 'PATCH', url, as: world.actors.ADMIN, body: { device_type: 'freezer' } });
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'CLEARED' }]);
    await here.send(device.id, [now + 1, { temperature: 32 }]);
    await here.judge();
    world.clock.advance(1_000);
    await here.app.request({ method: 'PATCH', url, as: world.actors.ADMIN, body: { device_type: 'oven' } });
    await here.judge();
    // What it measured as something else is not the rule's.
    expect(await here.alerts({ device_id: device.id })).toHaveLength(1);
    await here.send(device.id, [now + 2_000, { temperature: 33 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{}, { value: 33 }]);
  });

  test('a group, a type or every device', async () => {
    const here = await world.open();
    const body = { name: `Roof ${world.clock.now()}` };
    const group = await here.app.request({
      method: 'POST',
      url: '/api/v1/device-groups',
      as: world.actors.ADMIN,
      body,
    });
    const inGroup = await here.device({ group_id: group.json().id });
    const outside = await here.device();
    await here.rule(hot(inGroup, { name: 'g', scope: { group_id: group.json().id }, metric: 'wide' }));
    const all = await here.rule(hot(inGroup, { name: 'a', scope: { all: true }, metric: 'wide' }));
    for (const { id } of [inGroup, outside]) await here.send(id, [world.clock.now(), { wide: 31 }]);
    await here.judge();
    const names = async (id: number) => (await here.alerts({ device_id: id })).map(({ rule_name }) => rule_name);
    expect(await names(inGroup.id)).toEqual(['g', 'a']);
    expect(await names(outside.id)).toEqual(['a']);
    await here.app.request({
      method: 'DELETE',
      url: `/api/v1/monitoring/alert-rules/${all.id}`,
      as: world.actors.ADMIN,
    });
    expect((await here.alerts({ device_id: outside.id, status: 'CLEARED' })).length).toBe(1);
  });

  test('a changed condition starts afresh, a changed name does not; a rule that is off judges nothing', async () => {
    const here = await world.open();
    const device = await here.device();
    const { id } = await here.rule(hot(device));
    const now = world.clock.now() + 1;
    await here.send(device.id, [now, { temperature: 31 }]);
    await here.judge();
    await patch(here, id, { name: 'Hot', severity: 'CRITICAL', channels: [] });
    await here.send(device.id, [now + 1, { temperature: 32 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE', occurrences: 2 }]);
    await patch(here, id, { is_enabled: false });
    await here.send(device.id, [now + 2, { temperature: 33 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'CLEARED', occurrences: 2 }]);
    await patch(here, id, { is_enabled: true });
    await here.send(device.id, [now + 3, { temperature: 34 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{}, { value: 34, severity: 'CRITICAL' }]);
  });

  test('a device that is deleted takes its alerts and its own rules with it', async () => {
    const here = await world.open();
    const device = await here.device();
    const { id } = await here.rule(hot(device));
    await here.send(device.id, [world.clock.now(), { temperature: 31 }]);
    await here.judge();
    await here.app.request({ method: 'DELETE', url: `/api/v1/devices/${device.id}`, as: world.actors.ADMIN });
    await expect.poll(() => here.alerts({ device_id: device.id })).toEqual([]);
    expect(alertEvents(here)).toEqual(['alert.raised', 'alert.cleared']);
    const url = `/api/v1/monitoring/alert-rules/${id}`;
    expect((await here.app.request({ url, as: world.actors.ADMIN })).status).toBe(404);
  });
});
