import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { JobMap } from '#platform/jobs/jobs.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import {
  alertEvents,
  createMonitoringWorld,
  hot,
  iso,
  type MonitoringProcess,
  type MonitoringWorld,
} from '#test/support/monitoring.ts';
import { createWatchStore } from './states.repository.ts';

let world: MonitoringWorld;
beforeAll(async () => {
  world = await createMonitoringWorld();
});
afterAll(() => world.close());

describe('silence', () => {
  const silence = (device: { readonly id: number }, fields: object = {}) =>
    hot(device, { condition: 'no_data', threshold: undefined, for_seconds: 60, ...fields });

  test('is noticed by the clock, by the time of the last sample, and ends with the next one', async () => {
    const here = await world.open();
    const device = await here.device();
    await here.rule(silence(device));
    await here.tick();
    // Somebody has to have been listening for as long.
    world.clock.advance(60_000);
    await here.tick();
    const last = world.clock.now();
    await here.send(device.id, [last, { temperature: 20 }]);
    await here.judge();
    world.clock.advance(64_000);
    await here.tick();
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
    world.clock.advance(2_000);
    await here.tick();
    await here.tick();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([
      { status: 'ACTIVE', value: null, started_at: iso(last + 60_000), message: 'no temperature for 60 s' },
    ]);
    await here.send(device.id, [last + 1, { humidity: 20 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id, status: 'ACTIVE' })).toHaveLength(1);
    await here.send(device.id, [world.clock.now(), { temperature: 20 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'CLEARED' }]);
  });

  describe.each([true, false])('is not that of a device that goes on sending (alone: %j)', (alone) => {
    const HOUR_MS = 3_600_000;
    /** Sends every ten seconds by a clock that is off by `offsetMs(second)`, and lets the process die now and then. */
    async function send(offsetMs: (second: number) => number, dies: (second: number) => boolean = () => false) {
      let here = await world.open({ alone });
      // The watch of the processes before is over.
      world.clock.advance(20_000);
      const device = await here.device();
      await here.rule(silence(device, { for_seconds: 30 }));
      for (let second = 0; second < 300; second += 10) {
        await here.send(device.id, [world.clock.now() + offsetMs(second), { temperature: 20 }]);
        if (dies(second)) {
          here = await world.open({ alone });
          world.clock.advance(20_000);
        } else await here.judge();
        world.clock.advance(5_000);
        await here.tick();
        world.clock.advance(5_000);
      }
      return await here.alerts({ device_id: device.id });
    }

    test('by a clock that is an hour slow, or four minutes fast', async () => {
      expect(await send(() => -HOUR_MS)).toEqual([]);
      expect(await send(() => 240_000)).toEqual([]);
    });

    test('by a clock that is put back by an hour', async () => {
      expect(await send((second) => (second < 100 ? 0 : -HOUR_MS))).toEqual([]);
    });

    test('through deaths of the process', async () => {
      expect(
        await send(
          () => -HOUR_MS,
          (second) => second % 70 === 0,
        ),
      ).toEqual([]);
    });
  });

  test('no time of an alert is before the one that it follows, whatever the clocks say and whoever ends it', async () => {
    const here = await world.open();
    const [slow, fast] = [await here.device(), await here.device()];
    const ruleOfSlow = await here.rule(silence(slow, { for_seconds: 30 }));
    const ruleOfFast = await here.rule(hot(fast));
    const aMinute = async () => {
      for (let seconds = 0; seconds < 60; seconds += 10) {
        world.clock.advance(10_000);
        await here.tick();
      }
    };
    const send = async () => {
      await here.send(slow.id, [world.clock.now() - 3_600_000, { temperature: 20 }]);
      await here.send(fast.id, [world.clock.now() + 240_000, { temperature: 31 }]);
      await here.judge();
    };
    await here.tick();
    await send();
    await aMinute();
    await send();
    await aMinute();
    for (const rule of [ruleOfSlow, ruleOfFast]) {
      const url = `/api/v1/monitoring/alert-rules/${rule.id}`;
      await here.app.request({ method: 'PATCH', url, as: world.actors.ADMIN, body: { for_seconds: 40 } });
    }
    const alerts = [...(await here.alerts({ device_id: slow.id })), ...(await here.alerts({ device_id: fast.id }))];
    expect(alerts.map(({ status }) => status)).toEqual(['CLEARED', 'CLEARED', 'CLEARED']);
    for (const { started_at, last_seen_at, cleared_at } of alerts) {
      expect([started_at, last_seen_at, cleared_at]).toEqual([started_at, last_seen_at, cleared_at].toSorted());
    }
  });

  test('of a device that never sent counts from when the rule was made, of any scope', async () => {
    const here = await world.open();
    const device = await here.device({ device_type: 'mute' });
    await here.rule(silence(device, { scope: { device_type: 'mute' } }));
    const made = world.clock.now();
    await here.tick();
    for (let seconds = 0; seconds < 70; seconds += 10) {
      expect(await here.alerts({ device_id: device.id })).toEqual([]);
      world.clock.advance(10_000);
      await here.tick();
    }
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ started_at: iso(made + 60_000) }]);
  });

  test('while nobody listened is not the device’s', async () => {
    const first = await world.open();
    const device = await first.device();
    await first.rule(silence(device));
    await first.send(device.id, [world.clock.now(), { temperature: 20 }]);
    await first.tick();
    world.clock.advance(3_600_000);
    const second = await world.open();
    await second.tick();
    world.clock.advance(59_000);
    await second.tick();
    expect(await second.alerts({ device_id: device.id })).toEqual([]);
    world.clock.advance(7_000);
    await second.tick();
    expect(await second.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE' }]);
  });

  test('is watched for by one process at a time, and by another when that one is gone', async () => {
    const one = await world.open({ alone: false });
    const two = await world.open({ alone: false });
    const device = await one.device();
    // The watch of the processes before is over.
    world.clock.advance(20_000);
    await one.tick();
    const rule = await one.rule(silence(device));
    await two.bus.deliver('alert_rule.changed', world.clock.now(), { rule_id: rule.id }, 'relay');
    for (let seconds = 0; seconds < 60; seconds += 10) {
      await one.tick();
      world.clock.advance(10_000);
      await two.tick();
    }
    expect(await two.alerts({ device_id: device.id })).toEqual([]);
    for (let seconds = 0; seconds < 40; seconds += 10) {
      world.clock.advance(10_000);
      await two.tick();
    }
    expect(await two.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE' }]);
    expect(alertEvents(one)).toEqual([]);
    expect(alertEvents(two)).toEqual(['alert.raised']);
  });
});

describe('the watch', () => {
  test('is one process’s until its time is over, and knows since when somebody has been listening', async () => {
    const watch = createWatchStore(world.sql);
    const start = world.clock.now() + 10_000_000;
    const keep = (owner: string, now: number) => watch.keep(owner, start + now, start + now + 15, 60);
    expect(await keep('one', 0)).toBe(start);
    expect(await keep('two', 10)).toBeNull();
    expect(await keep('one', 10)).toBe(start);
    expect(await keep('two', 24)).toBeNull();
    // Taken over after a break that is short enough, then after one that is not.
    expect(await keep('two', 80)).toBe(start);
    expect(await keep('one', 85)).toBeNull();
    expect(await keep('one', 156)).toBe(start + 156);
  });

  test('goes on at once after the clock of who had it was a day ahead', async () => {
    const watch = createWatchStore(world.sql);
    const now = world.clock.now();
    const keep = (owner: string, at: number) => watch.keep(owner, at, at + 15_000, 60_000);
    await keep('one', now + 86_400_000);
    expect(await keep('two', now)).toBe(now);
    expect(await keep('one', now + 1)).toBeNull();
  });
});

test('a process that is alone writes nothing while there is nothing to watch for', async () => {
  const empty = await createMonitoringWorld();
  try {
    const here = await empty.open();
    await here.rule(hot(await here.device()));
    await here.tick();
    const rows = () =>
      empty.sql.db<{ alert_watch: { owner: string } }>().selectFrom('alert_watch').select('owner').execute();
    expect(await rows()).toEqual([]);
    await here.rule({ condition: 'no_data', for_seconds: 60, scope: { all: true } });
    await here.tick();
    expect(await rows()).toEqual([{ owner: 'alone' }]);
  } finally {
    await empty.close();
  }
});

describe('notifications', () => {
  test('go to the owner and MANAGEMENT on the channels of the rule, once, even after a crash', async () => {
    const enqueued: { name: string; data: JobMap['push_notification']; id: string | undefined }[] = [];
    let away = true;
    const jobs = {
      enqueue: async (name: string, data: unknown, options: { id?: string } = {}) => {
        if (away) throw new Error('away');
        enqueued.push({ name, data: data as JobMap['push_notification'], id: options.id });
        return 'job';
      },
    };
    const here = await world.open({ jobs });
    const owner = world.stranger.userId;
    const device = await here.device({ owner_id: owner });
    await here.rule(hot(device, { channels: ['email', 'webhook'] }));
    const mute = await here.device({ owner_id: owner });
    await here.rule(hot(mute, { channels: [] }));
    const now = world.clock.now() + 1;
    for (const { id } of [device, mute]) {
      await here.send(id, [now, { temperature: 31 }], [now + 1, { temperature: 20 }]);
    }
    await here.judge();
    const [alert] = await here.alerts({ device_id: device.id });
    expect(enqueued).toEqual([]);

    away = false;
    const next = await world.open({ jobs });
    await next.monitoring.inner.watch.start?.(AbortSignal.timeout(1_000));
    await expect.poll(() => enqueued.length).toBe(2);
    await next.monitoring.inner.watch.stop?.(AbortSignal.timeout(1_000));
    const data = { alert_id: alert.id, device_id: device.id, device_uid: device.device_uid };
    const all = { user_ids: [owner], management: true, type: 'alert', data };
    expect(enqueued).toMatchObject([
      {
        name: 'push_notification',
        id: `alert-${alert.id}-raised`,
        data: {
          ...all,
          key: `alert-${alert.id}-raised`,
          title: 'WARNING: Too hot',
          channels: ['email', 'webhook'],
          mail: { topic: expect.any(String), opens: true, at: now },
        },
      },
      // That it is over is worth no e-mail of its own, and says what was true then.
      {
        id: `alert-${alert.id}-cleared`,
        data: {
          ...all,
          title: 'Cleared: Too hot',
          message: `${device.device_uid}: temperature is 20, no longer above 30`,
          data: { value: 20, cleared_at: iso(now + 1) },
          channels: ['email', 'webhook'],
          mail: { opens: false, at: now + 1, texts: { ko: { text: expect.stringContaining('값: 20') } } },
        },
      },
    ]);
    const left = await world.sql
      .db<{ alert_outbox: { id: number } }>()
      .selectFrom('alert_outbox')
      .select('id')
      .execute();
    expect(left).toEqual([]);
  });

  const audienceOf = async (here: MonitoringProcess, deviceId: number) => {
    enqueued.length = 0;
    await here.send(deviceId, [world.clock.now() + 1, { temperature: 31 }]);
    await here.judge();
    await expect.poll(() => enqueued.length).toBe(1);
    const { user_ids, management, channels } = enqueued[0] as JobMap['push_notification'];
    await here.send(deviceId, [world.clock.now() + 2, { temperature: 20 }]);
    await here.judge();
    world.clock.advance(10);
    return { user_ids, management, channels };
  };
  const enqueued: JobMap['push_notification'][] = [];
  const recording = {
    jobs: {
      enqueue: async (_name: string, data: unknown) => {
        enqueued.push(data as JobMap['push_notification']);
        return 'job';
      },
    },
  };

  test('of a rule of a USER go to that USER alone, whatever becomes of the rule', async () => {
    const here = await world.open(recording);
    const { stranger, actors } = world;
    const device = await here.device({ owner_id: stranger.userId });
    const { id } = await here.rule(hot(device, { channels: ['web', 'email'] }), stranger);
    const alone = { user_ids: [stranger.userId], management: false, channels: ['web', 'email'] };
    expect(await audienceOf(here, device.id)).toEqual(alone);
    const url = `/api/v1/monitoring/alert-rules/${id}`;
    const change = (as: Principal, body: object) => here.app.request({ method: 'PATCH', url, as, body });
    await change(actors.MANAGER, { name: 'Hot' });
    expect(await audienceOf(here, device.id)).toEqual(alone);
    // Whom MANAGEMENT names is told, until the USER changes what they are told.
    await change(actors.MANAGER, { recipients: [actors.ADMIN.userId], channels: ['email', 'webhook'] });
    const named = { user_ids: [actors.ADMIN.userId], management: false, channels: ['email', 'webhook'] };
    expect(await audienceOf(here, device.id)).toEqual(named);
    await change(stranger, { name: 'Buy this' });
    expect(await audienceOf(here, device.id)).toEqual({ ...alone, channels: ['email'] });
    // Another owner: the maker is told nothing any more.
    await change(stranger, { recipients: [stranger.userId] });
    const body = { owner_id: actors.USER.userId };
    await here.app.request({ method: 'PATCH', url: `/api/v1/devices/${device.id}`, as: actors.ADMIN, body });
    expect(await audienceOf(here, device.id)).toMatchObject({ user_ids: [], management: false });
  });

  test('of a rule of MANAGEMENT that a USER changed are those of a rule of that USER', async () => {
    const here = await world.open(recording);
    const { stranger } = world;
    const device = await here.device({ owner_id: stranger.userId });
    const { id } = await here.rule(hot(device, { channels: ['web', 'webhook'] }));
    expect(await audienceOf(here, device.id)).toMatchObject({ management: true, channels: ['web', 'webhook'] });
    const url = `/api/v1/monitoring/alert-rules/${id}`;
    await here.app.request({ method: 'PATCH', url, as: stranger, body: { name: 'Mine' } });
    expect(await audienceOf(here, device.id)).toEqual({
      ...{ user_ids: [stranger.userId], management: false, channels: ['web'] },
    });
  });
});

describe('what went wrong in between', () => {
  test('what could not be judged is judged later', async () => {
    let failures = 0;
    const sql: SqlStore = {
      ...world.sql,
      stop: async () => {},
      transaction: async (work) => {
        if (failures === 0) return await world.sql.transaction(work);
        failures -= 1;
        throw commonErrors.unavailable();
      },
    };
    const here = await world.open({ sql });
    const device = await here.device();
    await here.rule(hot(device));
    const now = world.clock.now() + 1;
    await here.send(device.id, [now, { temperature: 31 }]);
    failures = 2;
    await here.judge();
    expect(failures).toBe(0);
    await here.send(device.id, [now + 1, { temperature: 32 }]);
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ value: 31, occurrences: 2 }]);
  });

  test('a device whose deletion nobody was told of is forgotten at the next start', async () => {
    const first = await world.open();
    const device = await first.device();
    const { id } = await first.rule(hot(device));
    await first.send(device.id, [world.clock.now() + 1, { temperature: 31 }]);
    await first.judge();
    await world.sql
      .db<{ devices: { id: number; deleted_at: number; active_device_uid: string | null } }>()
      .updateTable('devices')
      .set({ deleted_at: world.clock.now(), active_device_uid: null })
      .where('id', '=', device.id)
      .execute();
    expect(await first.alerts({ device_id: device.id })).toHaveLength(1);
    const second = await world.open();
    await second.tick();
    expect(await second.alerts({ device_id: device.id })).toEqual([]);
    const url = `/api/v1/monitoring/alert-rules/${id}`;
    expect((await second.app.request({ url, as: world.actors.ADMIN })).status).toBe(404);
  });
});
