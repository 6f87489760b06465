import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { Id, Instant, Nullable, PageOf, Strict } from '#platform/http/http.schemas.ts';
import { isOpenFor, zoneFor } from './campaigns.devices.ts';
import type { Campaign, CampaignDevice } from './campaigns.ports.ts';
import { isOfferable } from './campaigns.rules.ts';
import { nextOpening } from './campaigns.schedule.ts';
import { deviceStatus } from './campaigns.schemas.ts';

const standing = {
  status: deviceStatus,
  since: { ...Instant, description: 'Since when' },
  stage: Nullable(Type.Integer({ description: 'Stage that released it, from 0; null: none yet', examples: [0] })),
  attempts: Type.Integer({ description: 'Offers that were begun', examples: [1] }),
  progress: Nullable(Type.Number({ description: 'Percent, as the device said', examples: [40] })),
  reason: Nullable(
    Type.String({
      description:
        'Why: `rolled_back`, `not_seen`, `outside_window`, `downloading_too_long`, … or the words of the device',
      examples: ['rolled_back'],
    }),
  ),
  explanation: Type.String({
    description: 'The same for people, and what happens next',
    examples: ['Is downloading. It has until 2026-11-22T20:00:00.000Z.'],
  }),
  due_at: Nullable({ ...Instant, description: 'When something happens by itself; null: nothing does' }),
  history: Type.Array(Strict('CampaignTransition', { status: deviceStatus, at: Instant }), {
    description: 'Every status that it has had, in order',
  }),
};

export const CampaignDeviceView = Strict('CampaignDevice', {
  device_id: { ...Id, description: 'Id of the device', examples: [7] },
  device_uid: Type.String({ description: 'The device_uid of that device', examples: ['greenhouse-07'] }),
  ...standing,
});
export const CampaignDevicePage = PageOf(CampaignDeviceView);

export const OtaView = Strict('DeviceOta', {
  firmware_version: Nullable(Type.String({ description: 'As the device reported it', examples: ['1.4.2'] })),
  campaigns: Type.Array(
    Strict('DeviceCampaign', {
      campaign_id: { ...Id, description: 'Id of the campaign', examples: [2] },
      campaign: Type.String({ description: 'Its name', examples: ['Valve fix'] }),
      firmware_id: { ...Id, description: 'Firmware that it rolls out', examples: [4] },
      version: Type.String({ description: 'Of that firmware', examples: ['1.5.0'] }),
      ...standing,
    }),
    { description: 'The last 20, newest first' },
  ),
});

export const DeviceParams = Strict({ device_id: { ...Id, description: 'Id of the device', examples: [7] } });

export function presentDevice(
  device: CampaignDevice,
  campaign: Campaign,
  now: number,
): Static<typeof CampaignDeviceView> {
  return { device_id: device.deviceId, device_uid: device.deviceUid, ...standingOf(device, campaign, now) };
}

export function presentOta(
  firmwareVersion: string | null,
  entries: readonly { readonly entry: CampaignDevice; readonly campaign: Campaign }[],
  now: number,
): Static<typeof OtaView> {
  return {
    firmware_version: firmwareVersion,
    campaigns: entries.map(({ entry, campaign }) => ({
      campaign_id: campaign.id,
      campaign: campaign.name,
      firmware_id: campaign.firmwareId,
      version: campaign.version,
      ...standingOf(entry, campaign, now),
    })),
  };
}

function standingOf(device: CampaignDevice, campaign: Campaign, now: number) {
  return {
    status: device.state,
    since: toIso(device.since),
    stage: device.stage,
    attempts: device.attempts,
    progress: device.progress,
    reason: device.reason,
    explanation: explain(device, campaign, now),
    due_at: toIsoOrNull(device.dueAt),
    history: device.history.map(({ status, at }) => ({ status, at: toIso(at) })),
  };
}

const WORDS: Readonly<Record<Exclude<CampaignDevice['state'], 'QUEUED'>, string>> = {
  OFFERED: 'Was offered the firmware and has not answered.',
  DOWNLOADING: 'Is downloading.',
  DOWNLOADED: 'Has downloaded the firmware and has not begun to install it.',
  INSTALLING: 'Is installing; it has succeeded when it reports the new version.',
  SUCCEEDED: 'Runs the new version.',
  FAILED: 'Has failed.',
  TIMED_OUT: 'Took too long.',
  REJECTED: 'Has refused the firmware.',
  CANCELLED: 'The campaign was aborted.',
  SKIPPED: 'Had the version already.',
};

const REASONS: Readonly<Record<string, string>> = {
  rolled_back: 'It runs another version again after it had begun to install.',
  not_seen: 'It was not there to be offered the firmware.',
  outside_window: 'Its window was closed.',
  paused: 'The campaign was paused.',
};

function explain(device: CampaignDevice, campaign: Campaign, now: number): string {
  const { state, isReleased, attempts, reason, dueAt } = device;
  const why = reason === null ? '' : ` ${REASONS[reason] ?? `It said: ${reason}.`}`;
  const until = dueAt === null ? '' : ` It has until ${toIso(dueAt)}.`;
  if (reason === 'device_deleted') return 'The device was deleted.';
  if (state !== 'QUEUED') return `${WORDS[state]}${why}${until}`;
  if (campaign.state === 'PAUSED') {
    return campaign.reason === 'gate'
      ? `Waits: the gate of stage ${campaign.stage + 1} has failed, and the campaign is paused.`
      : 'Waits: the campaign is paused.';
  }
  if (campaign.state !== 'RUNNING') return `The campaign is ${campaign.state}.`;
  const isLate = !isReleased && campaign.stage < campaign.stages.length - 1;
  const stage = isLate ? `Waits for its stage; the campaign is in stage ${campaign.stage + 1}. ` : '';
  if (!isOpenFor(campaign, device, now)) {
    const next = toIso(nextOpening(campaign.windows, zoneFor(campaign, device), now));
    return `${stage}Waits for its window, next at ${next} (${zoneFor(campaign, device)}).`;
  }
  if (!isReleased) return stage.trimEnd() || 'Waits for its turn.';
  if (!isOfferable(device, now) && attempts > 0 && dueAt !== null)
    return `Is offered it again after ${toIso(dueAt)}.${why}`;
  return `Is offered the firmware when it subscribes to its topic.${until}`;
}
