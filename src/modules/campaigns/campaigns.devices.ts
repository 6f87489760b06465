import type { Campaign, CampaignDevice, CampaignStore } from './campaigns.ports.ts';
import { afterOtaSignal, type Held, type OtaPlan, type OtaSignal } from './campaigns.rules.ts';
import { isWithin, nextOpening } from './campaigns.schedule.ts';

const HISTORY = 100;

export function planOf({ version, maxRetries, backoffSeconds, timeouts }: Campaign): OtaPlan {
  return { version, attempts: maxRetries + 1, backoff: backoffSeconds * 1_000, timeouts };
}

/** In which the windows of the campaign are for this device: IANA name. */
export function zoneFor({ isInDeviceZone, zone }: Campaign, device: Pick<CampaignDevice, 'zone'>): string {
  return isInDeviceZone === true ? (device.zone ?? zone) : zone;
}

/** Whether offers may be made to the device now. */
export function isOpenFor(campaign: Campaign, device: Pick<CampaignDevice, 'zone'>, at: number): boolean {
  return campaign.state === 'RUNNING' && isWithin(campaign.windows, zoneFor(campaign, device), at);
}

/** What keeps a device that waits from being offered the image, and until when it is waited for at least. */
export function heldBack(campaign: Campaign, device: CampaignDevice, at: number): Held | null {
  const { seen } = campaign.timeouts;
  if (campaign.state === 'PAUSED') return { reason: 'paused', until: at + seen };
  if (isOpenFor(campaign, device, at) || device.reason === 'outside_window') return null;
  // Once: where time-outs and windows never meet, it ends all the same.
  return { reason: 'outside_window', until: nextOpening(campaign.windows, zoneFor(campaign, device), at) + seen };
}

/** @returns the device afterwards; the same object when nothing changes */
export function advance(device: CampaignDevice, plan: OtaPlan, signal: OtaSignal, at: number): CampaignDevice {
  // The process that sent the offer was killed before it had stored that, or has not done so yet.
  if (answersUnstoredOffer(device, signal)) {
    return step(step(device, plan, { kind: 'offered' }, at), plan, signal, at);
  }
  return step(device, plan, signal, at);
}

function answersUnstoredOffer({ state, isReleased }: CampaignDevice, signal: OtaSignal): boolean {
  // An error is rather the former one once more.
  return state === 'QUEUED' && isReleased && signal.kind === 'answer' && signal.answer !== 'error';
}

function step(device: CampaignDevice, plan: OtaPlan, signal: OtaSignal, at: number): CampaignDevice {
  const after = afterOtaSignal(device, plan, signal, at);
  if (after === device) return device;
  const next = { ...device, ...after };
  if (after.state === device.state) return next;
  const since = Math.max(at, device.since);
  // Retries go round; what began and what came last is kept.
  const history = [...device.history, { status: after.state, at: since }];
  return {
    ...next,
    since,
    history: history.length > HISTORY ? [...history.slice(0, 1), ...history.slice(2)] : history,
  };
}

/** Devices have said which firmware they run. @returns the campaigns in which that has changed something */
export async function noteVersions(
  store: Pick<CampaignStore, 'listOpenOf' | 'transaction'>,
  reports: readonly { readonly deviceId: number; readonly at: number; readonly version: string }[],
): Promise<ReadonlySet<number>> {
  // Most devices are in no campaign: nothing is written for them.
  const open = await store.listOpenOf([...new Set(reports.map(({ deviceId }) => deviceId))]);
  const concerned = new Set(open.map(({ deviceId }) => deviceId));
  const news = reports.filter(({ deviceId }) => concerned.has(deviceId));
  if (news.length === 0) return new Set();
  return await store.transaction(async (writer) => {
    const touched = new Set<number>();
    for (const { deviceId, at, version } of news) {
      for (const device of await writer.listOpenOf([deviceId])) {
        const campaign = await writer.find(device.campaignId);
        if (campaign === null) continue;
        const after = advance(device, planOf(campaign), { kind: 'reported', version }, at);
        if (after === device) continue;
        await writer.updateDevice(after, at);
        touched.add(device.campaignId);
      }
    }
    return touched;
  });
}
