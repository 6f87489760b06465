import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDeviceLogs, createTelemetryModule, type TelemetryApi } from '#modules/telemetry/index.ts';
import { type CampaignsHarness, createCampaignsHarness } from '#test/support/campaigns.ts';
import { createTestStores, type TestStores } from '#test/support/stores.ts';
import { type GateFacts, judge, type TelemetryCondition } from './campaigns.gates.ts';
import { figureOf, type TelemetryFigures, telemetryKey } from './campaigns.telemetry.ts';

const HOUR = 3_600_000;

describe('what a metric is for a group', () => {
  const summary = (deviceId: number, values: readonly number[]) => ({
    ...{ deviceId, count: values.length, sum: values.reduce((all, value) => all + value, 0) },
    ...{ min: Math.min(...values), max: Math.max(...values), last: values.at(-1) ?? null },
  });
  const observed = [1, 2, 3].map((deviceId) => ({ deviceId, start: 0 }));
  const summaries = [summary(1, [1, 3]), summary(2, [10, 20, 60, 10])];

  test('is the mean over those that have said something: who talks much counts no more', () => {
    const figures = (['avg', 'min', 'max', 'last'] as const).map(
      (aggregate) => figureOf(aggregate, observed, summaries, HOUR).value,
    );
    expect(figures).toEqual([13.5, 5.5, 31.5, 6.5]);
    expect(figureOf('avg', observed, summaries, HOUR)).toEqual({ value: 13.5, devices: 2, asked: 3 });
    expect(figureOf('avg', observed, [], HOUR)).toEqual({ value: null, devices: 0, asked: 3 });
    const words = [{ ...summary(1, [1]), last: null }];
    expect(figureOf('last', observed, words, HOUR).value).toBeNull();
  });

  test('by the hour, silence is 0, and a moment is a quarter of an hour', () => {
    expect(figureOf('sum_per_hour', observed, [summary(1, [1, 1, 1])], 2 * HOUR)).toEqual({
      ...{ value: 0.5, devices: 3, asked: 3 },
    });
    expect(figureOf('sum_per_hour', [{ deviceId: 1, start: 0 }], [summary(1, [1])], 10).value).toBe(4);
    expect(figureOf('sum_per_hour', [], [], HOUR)).toEqual({ value: null, devices: 0, asked: 0 });
  });
});

describe('the condition telemetry', () => {
  const crashes = { type: 'telemetry', metric: 'crashes', aggregate: 'sum_per_hour', fails: 'above' } as const;
  const uptime = { type: 'telemetry', metric: 'uptime', aggregate: 'avg', fails: 'below' } as const;
  const none = { value: null, devices: 0, asked: 0 };
  const group = (value: number, devices = 5) => ({ value, devices, asked: devices });
  function verdict(condition: TelemetryCondition, figures: TelemetryFigures | null) {
    const telemetry = new Map(figures === null ? [] : [[telemetryKey(condition), figures]]);
    const facts: GateFacts = {
      ...{ counts: {}, size: 10, isComplete: true, notSeen: 0, lastSuccessAt: 0, now: 0, telemetry },
      alerts: { updated: null, others: null },
    };
    return judge([condition], facts)[0];
  }

  test('says with its figures on which side of the others, of a bound, or of both it is', () => {
    expect(verdict({ ...crashes, ratio: 2 }, { updated: group(0.5), others: group(0.2, 50) })).toEqual({
      type: 'telemetry',
      result: 'fail',
      figures: { updated: 0.5, updated_devices: 5, others: 0.2, other_devices: 50, allowed: 0.4 },
    });
    const cases: readonly (readonly [TelemetryCondition, TelemetryFigures | null, string])[] = [
      [{ ...crashes, ratio: 2 }, { updated: group(0.4), others: group(0.2) }, 'pass'],
      [{ ...crashes, bound: 0.1 }, { updated: group(0.2), others: none }, 'fail'],
      [{ ...crashes, bound: 0.2 }, { updated: group(0.2), others: none }, 'pass'],
      // Both: twice a little is still a little.
      [{ ...crashes, ratio: 2, bound: 0.5 }, { updated: group(0.4), others: group(0.1) }, 'pass'],
      [{ ...crashes, ratio: 2, bound: 0.5 }, { updated: group(0.6), others: group(0.1) }, 'fail'],
      [{ ...crashes, ratio: 2, bound: 0.5 }, { updated: group(0.6), others: none }, 'fail'],
      [{ ...uptime, ratio: 0.5 }, { updated: group(400), others: group(1_000) }, 'fail'],
      [{ ...uptime, ratio: 0.5 }, { updated: group(500), others: group(1_000) }, 'pass'],
      [{ ...uptime, ratio: 0.5, bound: 300 }, { updated: group(400), others: group(1_000) }, 'pass'],
    ];
    for (const [condition, figures, result] of cases) expect(verdict(condition, figures)?.result).toBe(result);
  });

  test('waits while nothing can be told, and asks for no comparison when nobody is left to compare with', () => {
    expect(verdict({ ...uptime, ratio: 0.5 }, null)?.result).toBe('wait');
    expect(verdict({ ...uptime, ratio: 0.5 }, { updated: none, others: group(1) })?.result).toBe('wait');
    const silent = { value: null, devices: 0, asked: 4 };
    expect(verdict({ ...uptime, ratio: 0.5 }, { updated: group(1), others: silent })?.result).toBe('wait');
    expect(verdict({ ...uptime, ratio: 0.5 }, { updated: group(1), others: none })?.result).toBe('pass');
  });
});

describe('a roll-out that is judged by stored samples', () => {
  const DEVICES = 60;
  let stores: TestStores;
  let h: CampaignsHarness;
  let asked = 0;
  beforeAll(async () => {
    let summaries: TelemetryApi['summaries'] | undefined;
    h = await createCampaignsHarness(async (metric, ranges, end) => {
      asked += ranges.length;
      return (await summaries?.(metric, ranges, end)) ?? [];
    });
    const { api: devices, clock } = h.devices;
    stores = createTestStores(clock);
    const logs = createDeviceLogs(stores.documents);
    await stores.start();
    const module = createTelemetryModule({ telemetry: stores.telemetry, logs, devices, clock, retentionMs: HOUR });
    summaries = module.api.summaries;
  });
  afterAll(async () => {
    await h.close();
    await stores.close();
  });

  async function rollOut(device_type: string, crashesOf: (isUpdated: boolean, minute: number) => number) {
    const as = h.devices.actors.MANAGER;
    h.imageType = device_type;
    const fleet: { id: number; uid: string }[] = [];
    for (let index = 0; index < DEVICES; index++) {
      const { id, device_uid: uid } = await h.devices.device({ device_type });
      fleet.push({ id, uid });
      h.broker.listen(id, uid);
    }
    const crashes = { type: 'telemetry', metric: 'crashes', aggregate: 'sum_per_hour', fails: 'above' };
    const uptime = { type: 'telemetry', metric: 'uptime_seconds', aggregate: 'last', fails: 'below', ratio: 0.01 };
    const gate = [{ type: 'bake_time', seconds: 1_200 }, { ...crashes, ratio: 2, bound: 0.2 }, uptime];
    const body = {
      ...{ name: device_type, firmware_id: 1, target: { device_type } },
      stages: [
        { percent: 10, gate },
        { percent: 100, gate: [] },
      ],
    };
    const { id } = (await h.app.request({ method: 'POST', url: '/api/v1/campaigns', as, body })).json();
    await h.app.request({ method: 'POST', url: `/api/v1/campaigns/${id}/start`, as });
    const updated = new Set<number>();
    let seen = h.broker.sent.length;
    for (let minute = 0; minute < 40; minute++) {
      await h.drive(id);
      const offers = h.broker.sent.slice(seen).filter(({ payload }) => JSON.parse(payload).campaign_id === id);
      seen = h.broker.sent.length;
      for (const { deviceUid } of offers) {
        const device = fleet.find(({ uid }) => uid === deviceUid) as { id: number };
        await h.answer(device.id, { campaign_id: id, status: 'installing' });
        await h.report(device.id, '2.0.0');
        updated.add(device.id);
      }
      h.devices.clock.advance(60_000);
      const timestamp = h.devices.clock.now() - 1;
      const samples = fleet.map((device) => ({
        deviceId: device.id,
        timestamp,
        metrics: { crashes: crashesOf(updated.has(device.id), minute), uptime_seconds: minute * 60 },
      }));
      await stores.telemetry.append({ samples, counts: [] });
    }
    await h.drive(id);
    return (await h.app.request({ url: `/api/v1/campaigns/${id}`, as })).json();
  }

  test('one whose devices crash stops at the canary, and says by which figures', async () => {
    const before = asked;
    const { status, reason, stage, gate, counts } = await rollOut('crashing', (isUpdated, minute) =>
      Number(isUpdated && minute % 10 === 5),
    );
    expect({ status, reason, stage }).toEqual({ status: 'PAUSED', reason: 'gate', stage: 0 });
    const verdict = gate.find((each: { result: string }) => each.result === 'fail');
    expect(verdict).toMatchObject({
      type: 'telemetry',
      figures: { updated_devices: 6, others: 0, other_devices: 50, allowed: 0.2 },
    });
    expect(verdict.figures.updated).toBeGreaterThan(0.2);
    expect(counts).toMatchObject({ SUCCEEDED: 6, QUEUED: 54 });
    // At most 50 of each kind and metric, at most once a minute.
    expect(asked - before).toBeLessThanOrEqual(41 * 2 * 100);
  });

  test('one whose devices do as all others goes on to the whole fleet', async () => {
    const { stage, counts } = await rollOut('steady', (_isUpdated, minute) => Number(minute % 30 === 5));
    expect(stage).toBe(1);
    expect(counts).toMatchObject({ SUCCEEDED: DEVICES });
  });
});
