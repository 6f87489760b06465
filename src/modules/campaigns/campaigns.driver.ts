import type { Clock } from '#kernel/clock.ts';
import { createKeyedMutex } from '#kernel/concurrency.ts';
import { hashSecret } from '#kernel/ids.ts';
import { type DeviceFacts, type DevicesApi, pageOfTarget } from '#modules/devices/index.ts';
import type { FirmwareApi } from '#modules/firmware/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import { advance, heldBack, isOpenFor, planOf, zoneFor } from './campaigns.devices.ts';
import type { CampaignFigures } from './campaigns.figures.ts';
import { judge, resultOf, sizeOf } from './campaigns.gates.ts';
import type { OfferedDevice } from './campaigns.offers.ts';
import type { Campaign, CampaignDevice, CampaignStore, CampaignWriter, NewCampaignDevice } from './campaigns.ports.ts';
import { isOfferable } from './campaigns.rules.ts';
import { boundaryOf, isWithin, paceAt } from './campaigns.schedule.ts';

/** Devices that one transaction deals with. */
const PAGE = 200;
/** Between two looks for devices that have come to the target of a continuous campaign. */
const REJOIN_MS = 600_000;
/** Between two times that devices that wait are looked for. */
const REMIND_MS = 300_000;

export interface CampaignDriver {
  /**
   * Does all that can be done for a campaign now, in small transactions: whoever is cut off goes on where the other stopped,
   * and two at once do nothing twice.
   */
  drive(campaignId: number, signal: AbortSignal): Promise<void>;
}

export function createCampaignDriver({
  store,
  devices,
  firmware,
  figures,
  clock,
  offerDue,
}: {
  readonly store: CampaignStore;
  readonly devices: Pick<DevicesApi, 'describe' | 'listInScope'>;
  readonly firmware: Pick<FirmwareApi, 'find'>;
  readonly figures: CampaignFigures;
  readonly clock: Clock;
  /** A device may be offered the image. */
  readonly offerDue: (device: OfferedDevice) => void;
}): CampaignDriver {
  const lines = createKeyedMutex<number>();
  /** When, by campaign. */
  const reminded = new Map<number, number>();

  async function begin({ id, state, startAt }: Campaign): Promise<void> {
    const now = clock.now();
    if (state !== 'SCHEDULED' || (startAt ?? 0) > now) return;
    await changeFrom(id, ['SCHEDULED'], async (writer) => {
      await writer.update(id, { state: 'RUNNING', startedAt: now, stageAt: now }, now);
    });
  }

  /** @returns whether it was in one of these states */
  async function changeFrom(
    id: number,
    states: readonly Campaign['state'][],
    work: (writer: CampaignWriter, campaign: Campaign, audit: AuditWriter) => Promise<void>,
  ): Promise<boolean> {
    return await store.transaction(async (writer, audit) => {
      const campaign = await writer.find(id);
      if (campaign === null || !states.includes(campaign.state)) return false;
      await work(writer, campaign, audit);
      return true;
    });
  }

  /** Takes the devices of the target in, page by page. */
  async function enrol(campaign: Campaign, signal: AbortSignal): Promise<void> {
    const { id, target, isContinuous, enrolledAt } = campaign;
    let afterId = campaign.enrolledAfter;
    if (afterId === null && isContinuous && clock.now() - (enrolledAt ?? 0) >= REJOIN_MS) afterId = 0;
    const image = afterId === null ? null : await firmware.find(campaign.firmwareId);
    while (afterId !== null && !signal.aborted) {
      const found: readonly DeviceFacts[] = await pageOfTarget(devices, target, afterId);
      const last = found.at(-1)?.deviceId ?? null;
      // The image is for one type of device, whoever else is in the target.
      const page = found.filter((device) => device.deviceType === image?.deviceType);
      const now = clock.now();
      await changeFrom(id, ['RUNNING'], async (writer) => {
        const known = await writer.enrolled(
          id,
          page.map(({ deviceId }) => deviceId),
        );
        const fresh = page.filter(({ deviceId }) => !known.has(deviceId));
        await writer.insertDevices(fresh.map((device) => newMember(campaign, device, now)));
        await writer.update(id, { enrolledAfter: last, ...(last === null ? { enrolledAt: now } : {}) }, now);
      });
      afterId = last;
    }
  }

  /** Time-outs, and pauses that are over. */
  async function passTime(campaign: Campaign, signal: AbortSignal): Promise<void> {
    const plan = planOf(campaign);
    for (let due = PAGE; due === PAGE && !signal.aborted; ) {
      const now = clock.now();
      const changed: CampaignDevice[] = [];
      await changeFrom(campaign.id, ['RUNNING', 'PAUSED'], async (writer, current) => {
        const found = await writer.listDue(campaign.id, now, PAGE);
        due = found.length;
        for (const device of found) {
          const after = advance(device, plan, { kind: 'time', held: heldBack(current, device, now) }, now);
          if (after === device) continue;
          await writer.updateDevice(after, now);
          changed.push(after);
        }
      });
      for (const { deviceId, deviceUid, state } of changed) if (state === 'QUEUED') offerDue({ deviceId, deviceUid });
      if (changed.length === 0) return;
    }
  }

  /** Looks at the gate of the stage: goes on to the next, stops, or ends. @returns whether it went on */
  async function judgeStage(campaign: Campaign): Promise<boolean> {
    const { id, stages, stage } = campaign;
    const conditions = campaign.isGateWaived ? [] : (stages[stage]?.gate ?? []);
    const measured = await figures.read(campaign, conditions);
    const now = clock.now();
    let isOn = false;
    await changeFrom(id, ['RUNNING'], async (writer, current, audit) => {
      if (current.stage !== stage) return;
      const { counts, notSeen, lastSuccessAt, released, total } = await writer.countReleased(id, stage);
      const boundary = boundaryOf(stages, stage, total);
      const isFull = current.enrolledAfter === null && released >= boundary;
      const size = boundary - (stage === 0 ? 0 : boundaryOf(stages, stage - 1, total));
      const facts = { counts, size, isComplete: isFull, notSeen, lastSuccessAt, now, ...measured };
      const verdicts = judge(conditions, facts);
      // Nobody needs it: there is nothing to judge.
      const result = isFull && sizeOf(facts) <= 0 ? 'pass' : resultOf(verdicts);
      if (result === 'fail') {
        const state = current.onFail === 'abort' ? 'ABORTED' : 'PAUSED';
        await writer.update(
          id,
          { state, verdicts, reason: 'gate', ...(state === 'ABORTED' ? { endedAt: now } : {}) },
          now,
        );
        const failed = verdicts.filter((each) => each.result === 'fail').map(({ type }) => type);
        await audit.record({
          ...{ actor: null, action: 'campaign.gate_failed', resourceType: 'campaign', resourceId: String(id) },
          details: { name: current.name, stage, conditions: failed, status: state },
        });
        return;
      }
      if (result === 'wait' || !isFull) {
        await writer.update(id, { verdicts }, now);
        return;
      }
      if (stage < stages.length - 1) {
        await writer.update(id, { stage: stage + 1, stageAt: now, isGateWaived: false, verdicts: [] }, now);
        isOn = true;
        return;
      }
      const isOver = !current.isContinuous && (await writer.listOpen(id, 1)).length === 0;
      await writer.update(id, { verdicts, ...(isOver ? { state: 'COMPLETED' as const, endedAt: now } : {}) }, now);
    });
    return isOn;
  }

  /** Releases as many devices as stage, window and pace let. */
  async function release(campaign: Campaign, signal: AbortSignal): Promise<void> {
    const { id, stages, windows, isInDeviceZone, ratePerMinute } = campaign;
    const plan = planOf(campaign);
    for (let more = true; more && !signal.aborted; ) {
      const now = clock.now();
      const isByDevice = isInDeviceZone === true && windows.length > 0;
      if (!isByDevice && !isOpenFor(campaign, { zone: null }, now)) return;
      const released: OfferedDevice[] = [];
      more = false;
      await changeFrom(id, ['RUNNING'], async (writer, current) => {
        if (current.enrolledAfter !== null) return;
        const { released: already, total } = await writer.countReleased(id, current.stage);
        const { pace, left } = paceAt(current.pace, ratePerMinute, now);
        const first = boundaryOf(stages, current.stage, total) - already;
        const limit = Math.min(left, PAGE);
        if (first <= 0 || limit <= 0) return;
        const zones = isByDevice
          ? (await writer.listZones(id)).filter((zone) => isWithin(windows, zoneFor(campaign, { zone }), now))
          : null;
        if (zones?.length === 0) return;
        const next = await writer.listUnreleased(id, { first, limit, zones });
        for (const device of next) {
          await writer.updateDevice({ ...advance(device, plan, { kind: 'released' }, now), stage: current.stage }, now);
          released.push(device);
        }
        await writer.update(id, { pace: { ...pace, used: pace.used + next.length } }, now);
        more = next.length === PAGE;
      });
      for (const { deviceId, deviceUid } of released) offerDue({ deviceId, deviceUid });
    }
  }

  /**
   * Offers it again to who waits: a window has opened, the campaign goes on, or a process ended before it could offer. Not each
   * time that the campaign is looked at, because most of them are away.
   */
  async function remind(campaign: Campaign, signal: AbortSignal): Promise<void> {
    const now = clock.now();
    if (now - (reminded.get(campaign.id) ?? 0) < REMIND_MS) return;
    reminded.set(campaign.id, now);
    for (let page = PAGE, afterId = 0; page === PAGE && !signal.aborted; ) {
      const waiting = await store.listWaiting(campaign.id, afterId, PAGE);
      page = waiting.length;
      afterId = waiting.at(-1)?.id ?? afterId;
      for (const device of waiting) {
        const { deviceId, deviceUid } = device;
        if (isOfferable(device, now) && isOpenFor(campaign, device, now)) offerDue({ deviceId, deviceUid });
      }
    }
  }

  /** An aborted campaign takes back what was not begun, and waits for nobody. */
  async function cancelRest(campaign: Campaign, signal: AbortSignal): Promise<void> {
    const plan = planOf(campaign);
    for (let left = PAGE; left === PAGE && !signal.aborted; ) {
      const now = clock.now();
      await changeFrom(campaign.id, ['ABORTED'], async (writer) => {
        const open = await writer.listOpen(campaign.id, PAGE);
        left = open.length;
        for (const device of open) await writer.updateDevice(advance(device, plan, { kind: 'cancelled' }, now), now);
      });
    }
  }

  async function step(campaignId: number, signal: AbortSignal): Promise<void> {
    const read = async () => await store.find(campaignId);
    let campaign = await read();
    if (campaign?.state === 'SCHEDULED') {
      await begin(campaign);
      campaign = await read();
    }
    if (campaign === null) return;
    if (campaign.state !== 'RUNNING') reminded.delete(campaignId);
    if (campaign.state === 'ABORTED') return await cancelRest(campaign, signal);
    if (campaign.state === 'PAUSED') return await passTime(campaign, signal);
    if (campaign.state !== 'RUNNING') return;
    await enrol(campaign, signal);
    await passTime(campaign, signal);
    await remind(campaign, signal);
    for (let isOn = true; isOn && campaign?.state === 'RUNNING' && !signal.aborted; ) {
      await release(campaign, signal);
      isOn = await judgeStage(campaign);
      campaign = await read();
    }
    if (campaign?.state === 'ABORTED') await cancelRest(campaign, signal);
  }

  return { drive: (campaignId, signal) => lines.run(campaignId, () => step(campaignId, signal)) };
}

function newMember(campaign: Campaign, device: DeviceFacts, now: number): NewCampaignDevice {
  const { deviceId, deviceUid } = device;
  const hasIt = device.firmwareVersion === campaign.version;
  const state = hasIt ? 'SKIPPED' : 'QUEUED';
  return {
    campaignId: campaign.id,
    deviceId,
    deviceUid,
    // By chance, and the same each time: neither the oldest devices first, nor those of one place.
    rank: Number.parseInt(hashSecret(`${campaign.id} ${deviceUid}`).slice(0, 8), 16),
    zone: device.timezone,
    stage: null,
    state,
    attempts: 0,
    progress: null,
    reason: null,
    dueAt: null,
    since: now,
    history: hasIt
      ? [
          { status: 'QUEUED', at: now },
          { status: 'SKIPPED', at: now },
        ]
      : [{ status: 'QUEUED', at: now }],
  };
}
