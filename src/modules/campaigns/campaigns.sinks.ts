import { STATUS_CHANNEL, type StatusItem } from '#modules/devices/index.ts';
import { type DeviceResponse, type FirmwareResponse, RESPONSE_CHANNEL } from '#modules/ingest/index.ts';
import type { DeviceRefusals } from '#platform/audit/audit.port.ts';
import type { Sink, SinkOutcome } from '#platform/channels/channel.port.ts';
import { advance, noteVersions, planOf } from './campaigns.devices.ts';
import type { Campaign, CampaignStore, CampaignWriter } from './campaigns.ports.ts';
import { isOpenState, type OtaSignal } from './campaigns.rules.ts';

/** Told which campaigns something has changed in. */
type Changed = (campaignIds: ReadonlySet<number>) => void;

/** Takes the answers to firmware offers. */
export function createOtaResponseSink(
  store: Pick<CampaignStore, 'transaction'>,
  refusals: DeviceRefusals,
  changed: Changed,
): Sink<DeviceResponse> {
  return {
    name: 'campaigns',
    channel: RESPONSE_CHANNEL,
    async apply(items) {
      const answers = items.flatMap((item, index) => ('campaign_id' in item ? [{ item, index }] : []));
      if (answers.length === 0) return items.map((): SinkOutcome => 'unclaimed');
      const { outcomes, campaigns } = await store.transaction(async (writer) => {
        const found = items.map((): SinkOutcome => 'unclaimed');
        const touched = new Set<number>();
        const known = new Map<number, Campaign | null>();
        for (const { item, index } of answers) {
          if (!known.has(item.campaign_id)) known.set(item.campaign_id, await writer.find(item.campaign_id));
          found[index] = await answer(writer, known.get(item.campaign_id) ?? null, item);
          if (found[index] === 'stored') touched.add(item.campaign_id);
        }
        return { outcomes: found, campaigns: touched };
      });
      if (campaigns.size > 0) changed(campaigns);
      for (const { item, index } of answers) {
        const reason = outcomes[index] as SinkOutcome;
        if (reason === 'stored') continue;
        const { deviceId, campaign_id } = item;
        refusals.note({ deviceId, action: 'campaign.response_refused', reason, details: { campaign_id } });
      }
      return outcomes;
    },
  };
}

async function answer(
  writer: CampaignWriter,
  campaign: Campaign | null,
  { campaign_id, deviceId, receivedAt, status, progress, error }: FirmwareResponse,
): Promise<SinkOutcome> {
  const device = campaign === null ? null : await writer.findDevice(campaign_id, deviceId);
  if (campaign === null || device === null || !device.isReleased) return 'unknown_campaign';
  if (!isOpenState(device.state) || campaign.state === 'ABORTED') {
    // What ended it is handed over again when nobody knows whether it was stored.
    return device.since === receivedAt ? 'stored' : 'late_campaign_response';
  }
  const signal: OtaSignal = { kind: 'answer', answer: status, percent: progress ?? null, error: error ?? null };
  const after = advance(device, planOf(campaign), signal, receivedAt);
  if (after !== device) await writer.updateDevice(after, receivedAt);
  return 'stored';
}

/** Learns from `status` which firmware a device runs. */
export function createFirmwareVersionSink(store: CampaignStore, changed: Changed): Sink<StatusItem> {
  return {
    name: 'firmware version',
    channel: STATUS_CHANNEL,
    async apply(items) {
      const reports = items.flatMap((item) =>
        'status' in item && item.firmwareVersion !== undefined
          ? [{ deviceId: item.deviceId, at: item.at, version: item.firmwareVersion }]
          : [],
      );
      if (reports.length > 0) changed(await noteVersions(store, reports));
      return items.map(() => 'unclaimed');
    },
  };
}

/** A device that is gone waits for nothing. @returns the campaigns that it was in */
export async function cancelDeleted(store: CampaignStore, deviceId: number, at: number): Promise<ReadonlySet<number>> {
  return await store.transaction(async (writer) => {
    const open = await writer.listOpenOf([deviceId]);
    for (const device of open) {
      const campaign = (await writer.find(device.campaignId)) as Campaign;
      const after = advance(device, planOf(campaign), { kind: 'cancelled' }, at);
      await writer.updateDevice({ ...after, reason: 'device_deleted' }, at);
    }
    return new Set(open.map(({ campaignId }) => campaignId));
  });
}
