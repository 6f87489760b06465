import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { Firmware, FirmwareApi } from '#modules/firmware/index.ts';
import { advance, isOpenFor, noteVersions, planOf } from '../campaigns.devices.ts';
import { campaignErrors } from '../campaigns.errors.ts';
import type { CampaignDevice, CampaignStore } from '../campaigns.ports.ts';
import { currentOf, isOpenState, type OtaSignal } from '../campaigns.rules.ts';
import type { DdiAction, DdiDevice, DdiFeedback, DdiState } from './ddi.ports.ts';

/** The device has taken note of the abort. */
const CONFIRMED = 'cancel_confirmed';
/** A device that is told of an abort only now has been away for long enough. */
const CANCEL_SHOWN_MS = 30 * 86_400_000;
const SHOWN = 20;

export type DdiService = ReturnType<typeof createDdiService>;

/** Campaigns as hawkBit's devices see them: an action is the place of a device in a campaign. */
export function createDdiService({
  store,
  firmware,
  devices,
  clock,
  changed,
}: {
  readonly store: CampaignStore;
  readonly firmware: FirmwareApi;
  readonly devices: Pick<DevicesApi, 'applyStatuses' | 'describe'>;
  readonly clock: Clock;
  readonly changed: (campaignIds: ReadonlySet<number>) => void;
}) {
  async function entriesOf(deviceId: number): Promise<readonly CampaignDevice[]> {
    const sort = [{ field: 'id', direction: 'desc' }] as const;
    return (await store.listDevices({ filter: { deviceId }, sort, page: 1, size: SHOWN })).items;
  }

  async function action(device: DdiDevice, actionId: number): Promise<DdiAction> {
    const entry = (await entriesOf(device.deviceId)).find(({ id }) => id === actionId);
    const campaign = entry === undefined ? null : await store.find(entry.campaignId);
    const image = campaign === null ? null : await firmware.find(campaign.firmwareId);
    if (entry === undefined || campaign === null || image === null) throw campaignErrors.campaign_action_not_found();
    return { entry, campaign, firmware: image };
  }

  async function signal(found: DdiAction, given: readonly OtaSignal[]): Promise<void> {
    const at = clock.now();
    const isChanged = await store.transaction(async (writer) => {
      const current = await writer.findDevice(found.campaign.id, found.entry.deviceId);
      if (current === null) return false;
      const after = given.reduce((device, each) => advance(device, planOf(found.campaign), each, at), current);
      if (after !== current) await writer.updateDevice(after, at);
      return after !== current;
    });
    if (isChanged) changed(new Set([found.campaign.id]));
  }

  /** The same as over MQTT. */
  async function current(deviceId: number): Promise<CampaignDevice | null> {
    const entry = currentOf(await store.listOpenOf([deviceId]), clock.now());
    if (entry === undefined) return null;
    const campaign = await store.find(entry.campaignId);
    if (entry.state !== 'QUEUED') return entry;
    return campaign !== null && isOpenFor(campaign, entry, clock.now()) ? entry : null;
  }

  async function cancelled(device: DdiDevice, actionId: number): Promise<DdiAction> {
    const found = await action(device, actionId);
    if (found.entry.state !== 'CANCELLED') throw campaignErrors.campaign_action_not_found();
    return found;
  }

  return {
    async poll({ deviceId }: DdiDevice): Promise<DdiState> {
      const entries = await entriesOf(deviceId);
      const [device] = await devices.describe([deviceId]);
      const now = clock.now();
      const stopped = entries.find(
        ({ state, attempts, reason, since }) =>
          state === 'CANCELLED' && attempts > 0 && reason !== CONFIRMED && now - since < CANCEL_SHOWN_MS,
      );
      return {
        deployment: stopped === undefined ? ((await current(deviceId))?.id ?? null) : null,
        cancel: stopped?.id ?? null,
        installed: entries.find(({ state }) => state === 'SUCCEEDED')?.id ?? null,
        asksForData: device?.firmwareVersion === null,
      };
    },

    /** @throws AppError `campaign_action_not_found` */
    async deployment(device: DdiDevice, actionId: number): Promise<DdiAction> {
      const found = await action(device, actionId);
      if (!isOpenState(found.entry.state) || (await current(device.deviceId))?.id !== actionId) {
        throw campaignErrors.campaign_action_not_found();
      }
      await signal(found, [{ kind: 'offered' }]);
      return found;
    },

    /** @throws AppError `campaign_action_not_found` */
    async installed(device: DdiDevice, actionId: number): Promise<DdiAction> {
      const found = await action(device, actionId);
      if (found.entry.state !== 'SUCCEEDED') throw campaignErrors.campaign_action_not_found();
      return found;
    },

    /** @throws AppError `campaign_action_not_found`; `campaign_action_ended`: it is over for this device */
    async feedback(device: DdiDevice, actionId: number, said: DdiFeedback): Promise<void> {
      const found = await action(device, actionId);
      if (found.entry.attempts === 0) throw campaignErrors.campaign_action_not_found();
      if (!isOpenState(found.entry.state)) throw campaignErrors.campaign_action_ended();
      if (said.kind === 'nothing') return;
      if (said.kind === 'succeeded') {
        const { version: firmwareVersion } = found.campaign;
        const { deviceId } = device;
        await devices.applyStatuses([
          { deviceId, at: clock.now(), source: 'message', status: 'ONLINE', firmwareVersion },
        ]);
        const installing = { kind: 'answer', answer: 'installing', percent: null, error: null } as const;
        return await signal(found, [installing, { kind: 'reported', version: firmwareVersion }]);
      }
      await signal(found, [toSignal(said)]);
    },

    /** @throws AppError `campaign_action_not_found` */
    cancelled,

    /** The device has taken note. @throws AppError `campaign_action_not_found` */
    async confirmCancel(device: DdiDevice, actionId: number): Promise<void> {
      const { campaign } = await cancelled(device, actionId);
      await store.transaction(async (writer) => {
        const entry = await writer.findDevice(campaign.id, device.deviceId);
        if (entry !== null) await writer.updateDevice({ ...entry, reason: CONFIRMED }, clock.now());
      });
    },

    /** What the device says that it is. */
    async configData({ deviceId }: DdiDevice, data: Readonly<Record<string, unknown>>): Promise<void> {
      const { firmware_version: version } = data;
      if (typeof version !== 'string' || version.length === 0 || version.length > 64) return;
      const at = clock.now();
      await devices.applyStatuses([{ deviceId, at, source: 'message', status: 'ONLINE', firmwareVersion: version }]);
      changed(await noteVersions(store, [{ deviceId, at, version }]));
    },

    /** @throws AppError `campaign_action_not_found`: it was not offered to this device */
    async image({ deviceId }: DdiDevice, firmwareId: number): Promise<Firmware> {
      const found = (await store.isOffered(deviceId, firmwareId)) ? await firmware.find(firmwareId) : null;
      if (found === null) throw campaignErrors.campaign_action_not_found();
      return found;
    },
    read: firmware.read,
  };
}

function toSignal(said: Exclude<DdiFeedback, { readonly kind: 'succeeded' | 'nothing' }>): OtaSignal {
  if (said.kind === 'answer') return { ...said, error: null };
  return { kind: 'answer', answer: said.kind === 'rejected' ? 'rejected' : 'error', percent: null, error: said.error };
}
