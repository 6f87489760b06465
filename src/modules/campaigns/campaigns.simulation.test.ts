import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CampaignsHarness, createCampaignsHarness, IMAGE } from '#test/support/campaigns.ts';
import { killable } from '#test/support/killable-sql.ts';

/*
 * Whole roll-outs over simulated devices. A device that is offered the image downloads and installs it, fails, loses power on
 * the way, or comes up with what it had before.
 */

const DEVICES = 500;
const KILLS = 20;

let h: CampaignsHarness;
beforeAll(async () => {
  h = await createCampaignsHarness();
});
afterAll(() => h.close());

/** The same each time, from 0 to 1. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

interface SimulatedDevice {
  readonly id: number;
  readonly uid: string;
  connection: string;
  version: string;
  /** Images that it was sent, by their hash. */
  readonly sent: Set<string>;
}

async function fleet(device_type: string): Promise<readonly SimulatedDevice[]> {
  const made: SimulatedDevice[] = [];
  for (let index = 0; index < DEVICES; index++) {
    const { id, device_uid: uid } = await h.devices.device({ device_type });
    made.push({ id, uid, connection: h.broker.listen(id, uid), version: '1.0.0', sent: new Set() });
  }
  return made;
}

async function start(device_type: string, plan: object): Promise<number> {
  h.imageType = device_type;
  const as = h.devices.actors.MANAGER;
  const body = { name: device_type, firmware_id: 1, target: { device_type }, ...plan };
  const { id } = (await h.app.request({ method: 'POST', url: '/api/v1/campaigns', as, body })).json();
  await h.app.request({ method: 'POST', url: `/api/v1/campaigns/${id}/start`, as });
  return id;
}

const shown = async (id: number) =>
  (await h.app.request({ url: `/api/v1/campaigns/${id}`, as: h.devices.actors.MANAGER })).json();

/** What the process is asked for; one that is killed never answers, and the next goes on. */
const asked = async (work: Promise<unknown>) => void (await Promise.race([work, isKilled.promise]));
let isKilled = Promise.withResolvers<void>();

interface Odds {
  readonly failing: number;
  readonly cut: number;
}

/** Devices do what they were offered, until nothing moves. @param maybeKill called between any two steps */
async function run(id: number, devices: readonly SimulatedDevice[], odds: Odds, maybeKill = async () => {}) {
  const chance = chances(7);
  const byUid = new Map(devices.map((device) => [device.uid, device]));
  let seen = h.broker.sent.length;
  for (let quiet = 0; quiet < 25; ) {
    await maybeKill();
    await asked(h.drive(id));
    const offers = h.broker.sent.slice(seen);
    seen = h.broker.sent.length;
    quiet = offers.length === 0 ? quiet + 1 : 0;
    for (const { deviceUid, payload } of offers) {
      const device = byUid.get(deviceUid);
      const offer = JSON.parse(payload);
      if (device === undefined || offer.campaign_id !== id) continue;
      device.sent.add(offer.sha256);
      await maybeKill();
      await follow(id, device, offer.version, chance, odds);
    }
    h.devices.clock.advance(60_000);
  }
}

async function follow(id: number, device: SimulatedDevice, version: string, chance: () => number, odds: Odds) {
  const say = async (status: string) => {
    h.devices.clock.advance(1);
    await asked(h.answer(device.id, { campaign_id: id, status }));
  };
  await say('downloading');
  if (chance() < odds.cut) {
    // It comes back, and is offered it again.
    h.broker.disconnect(device.connection);
    device.connection = h.broker.listen(device.id, device.uid);
    return;
  }
  await say('downloaded');
  if (chance() < odds.failing / 2) return await say('error');
  await say('installing');
  if (chance() >= odds.failing / 2) device.version = version;
  h.devices.clock.advance(1);
  await asked(h.report(device.id, device.version));
}

test('killed at 20 points, with failures and power cuts, it finishes, and the counts add up', {
  timeout: 240_000,
}, async () => {
  const devices = await fleet('killed');
  let store = killable(h.devices.sql);
  await h.restart(store.sql);
  const id = await start('killed', {
    stages: [
      { percent: 5, gate: [] },
      { percent: 30, gate: [] },
      { percent: 100, gate: [] },
    ],
    retries: { max: 3, backoff_seconds: 60 },
    timeouts: { offered_seconds: 600, downloading_seconds: 600, installing_seconds: 600 },
  });
  const when = chances(3);
  let kills = 0;
  await run(id, devices, { failing: 0.1, cut: 0.05 }, async () => {
    if (kills === KILLS || when() > 0.05) return;
    kills += 1;
    store.kill();
    isKilled.resolve();
    isKilled = Promise.withResolvers();
    store = killable(h.devices.sql);
    await h.restart(store.sql);
    for (const device of devices) {
      h.broker.disconnect(device.connection);
      device.connection = h.broker.listen(device.id, device.uid);
    }
  });
  expect(kills).toBe(KILLS);
  const { status, counts } = await shown(id);
  expect({ status, counts }).toMatchObject({ status: 'COMPLETED' });
  expect(Object.values(counts as Record<string, number>).reduce((sum, count) => sum + count, 0)).toBe(DEVICES);
  const updated = devices.filter(({ version }) => version === IMAGE.version);
  expect(updated.length).toBeGreaterThan(DEVICES * 0.8);
  for (const { sent } of updated) expect(sent).toEqual(new Set([IMAGE.sha256]));
  expect(counts.SUCCEEDED).toBeLessThanOrEqual(updated.length);
});

test('with 30 % failures it stops itself at the canary, and says why', { timeout: 120_000 }, async () => {
  const devices = await fleet('failing');
  await h.restart();
  const id = await start('failing', {
    stages: [{ percent: 10, gate: [{ type: 'failed_share', max: 0.1 }] }, { percent: 100 }],
    retries: { max: 0 },
  });
  await run(id, devices, { failing: 0.3, cut: 0 });
  const { status, reason, stage, gate, counts } = await shown(id);
  expect({ status, reason, stage }).toEqual({ status: 'PAUSED', reason: 'gate', stage: 0 });
  expect(gate).toMatchObject([{ type: 'failed_share', result: 'fail' }]);
  expect(counts.QUEUED).toBe(DEVICES * 0.9);
  const waiting = devices.find(({ sent }) => sent.size === 0);
  const url = `/api/v1/devices/${waiting?.id}/ota`;
  const { campaigns } = (await h.app.request({ url, as: h.devices.actors.MANAGER })).json();
  expect(campaigns[0].explanation).toContain('the gate of stage 1 has failed');
});
