import { type Clock, toIsoOrNull } from '#kernel/clock.ts';
import { createBackground, createKeyedMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { FirmwareApi } from '#modules/firmware/index.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import { advance, isOpenFor, planOf } from './campaigns.devices.ts';
import type { Campaign, CampaignDevice, CampaignStore } from './campaigns.ports.ts';
import { currentOf, isOpenState } from './campaigns.rules.ts';

export interface OfferedDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
}

export interface CampaignOffers {
  /**
   * Offers the device what it may have now, if it listens. @returns when that is stored
   * @param isBack it has just subscribed: what it was offered before and has not finished is offered again
   */
  offer(device: OfferedDevice, isBack: boolean): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** While the device has begun to install, another offer would only disturb it. */
const AGAIN: readonly CampaignDevice['state'][] = ['OFFERED', 'DOWNLOADING', 'DOWNLOADED'];

export function createCampaignOffers({
  store,
  firmware,
  downlink,
  publicUrl,
  clock,
  logger,
}: {
  readonly store: CampaignStore;
  readonly firmware: FirmwareApi;
  readonly downlink: Pick<MqttDownlink, 'publish' | 'connections'>;
  readonly publicUrl: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}): CampaignOffers {
  const lines = createKeyedMutex<string>();
  const running = createBackground();

  async function send({ deviceId, deviceUid }: OfferedDevice, isBack: boolean): Promise<void> {
    const { isComplete, connections } = downlink.connections(deviceUid);
    if (isComplete && connections.length === 0) return;
    const entry = currentOf(await store.listOpenOf([deviceId]), clock.now());
    if (entry === undefined || (entry.state !== 'QUEUED' && !(isBack && AGAIN.includes(entry.state)))) return;
    const campaign = await store.find(entry.campaignId);
    if (campaign === null || !isOpenFor(campaign, entry, clock.now())) return;
    const payload = await payloadOf(campaign);
    if (payload === null) return;
    const deliveries = await downlink.publish({ deviceUid, channel: 'ota', payload });
    if (deliveries.length === 0) return;
    await store.transaction(async (writer) => {
      const current = await writer.findDevice(entry.campaignId, deviceId);
      if (current === null || !isOpenState(current.state)) return;
      const now = clock.now();
      const after = advance(current, planOf(campaign), { kind: 'offered' }, now);
      if (after !== current) await writer.updateDevice(after, now);
    });
  }

  async function payloadOf({ id, firmwareId }: Campaign): Promise<string | null> {
    const image = await firmware.find(firmwareId);
    if (image === null) return null;
    const notAfter = toIsoOrNull(image.notAfter);
    return JSON.stringify({
      campaign_id: id,
      firmware_id: firmwareId,
      version: image.version,
      sequence: image.sequence,
      url: `${publicUrl()}/api/v1/device/firmware/${firmwareId}`,
      size: image.size,
      sha256: image.sha256,
      signature: image.signature,
      key_id: image.keyId,
      ...(notAfter === null ? {} : { not_after: notAfter }),
    });
  }

  return {
    offer(device, isBack) {
      const run = lines
        .run(device.deviceUid, () => send(device, isBack))
        .catch((error: unknown) => logger.warn({ err: error, device: device.deviceUid }, 'a firmware was not offered'));
      return running.add(run);
    },
    idle: running.idle,
  };
}
