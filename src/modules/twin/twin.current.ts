import type { Clock } from '#kernel/clock.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { ChangedBy, DeviceKey, Twin, TwinDevice, TwinStore, TwinWriter } from './twin.ports.ts';
import { nextTwin, type TwinChange } from './twin.versions.ts';

/** Devices that are read at a time. */
const PAGE = 500;

/**
 * The configuration of a device with the present defaults of its group. What a process that ended has left undone after a
 * change of a group or of a membership is done when somebody looks.
 */
export interface CurrentTwins {
  /** A new version that this finds to be due is stored, and `changed` called. */
  of(device: TwinDevice): Promise<Twin>;
  /**
   * In a transaction, with a change.
   * @returns what it is afterwards, and whether that is a new version
   * @throws AppError `device_not_found`
   */
  change(writer: TwinWriter, deviceId: number, change: TwinChange): Promise<Changed>;
  /** In a transaction: gives those of the devices that exist the present defaults of their groups. */
  renew(writer: TwinWriter, deviceIds: readonly number[], userId: number | null): Promise<Renewed>;
  /** What the device receives; null: nothing was ever desired, or there is no such device. */
  payloadOf(deviceUid: string): Promise<string | null>;
  /** The same, with the version that the broker has once it has this. */
  toTell(deviceUid: string): Promise<{ readonly payload: string | null; readonly version: number }>;
  /** Every device that has to have something. */
  all(): AsyncIterable<{ readonly deviceUid: string; readonly payload: string }>;
}

export interface Changed {
  readonly twin: Twin;
  readonly isNew: boolean;
}

export interface Renewed {
  readonly devices: readonly TwinDevice[];
  /** Those that have a new version. */
  readonly changed: readonly TwinDevice[];
  /** How many keep what they had, because they would have too much. */
  readonly overLimit: number;
}

export function createCurrentTwins({
  store,
  devices,
  clock,
  changed,
}: {
  readonly store: TwinStore;
  readonly devices: Pick<DevicesApi, 'describe' | 'findByUid' | 'listInScope'>;
  readonly clock: Clock;
  readonly changed: (device: DeviceKey, by: ChangedBy) => void;
}): CurrentTwins {
  async function changeOf(writer: TwinWriter, device: TwinDevice, wanted: TwinChange): Promise<Changed> {
    const stored = await writer.find(device.deviceUid);
    const group = device.groupId === null ? null : await writer.findGroup(device.groupId);
    const { twin, version, isToStore } = nextTwin(stored, device, group, wanted);
    if (isToStore) await writer.save(twin, wanted.at);
    if (version !== null) await writer.addVersion(device, version);
    return { twin, isNew: version !== null };
  }

  async function change(writer: TwinWriter, deviceId: number, wanted: TwinChange): Promise<Changed> {
    const [device] = await writer.describe([deviceId]);
    if (device === undefined) throw deviceErrors.device_not_found();
    return await changeOf(writer, device, wanted);
  }

  async function of(device: TwinDevice): Promise<Twin> {
    const stored = await store.find(device.deviceUid);
    const group = device.groupId === null ? null : await store.findGroup(device.groupId);
    const nothing = { by: 'group', userId: null, at: clock.now() } as const;
    const found = nextTwin(stored, device, group, nothing);
    if (!found.isToStore) return found.twin;
    const { twin, isNew } = await store.transaction((writer) => change(writer, device.deviceId, nothing));
    if (isNew) changed(device, 'group');
    return twin;
  }

  async function deviceOf(deviceUid: string): Promise<TwinDevice | undefined> {
    const ref = await devices.findByUid(deviceUid);
    return ref === null ? undefined : (await devices.describe([ref.deviceId]))[0];
  }

  return {
    of,
    change,
    async renew(writer, deviceIds, userId) {
      const present = await writer.describe(deviceIds);
      const isNew: TwinDevice[] = [];
      let overLimit = 0;
      for (const device of present) {
        const after = await changeOf(writer, device, { by: 'group', userId, at: clock.now() });
        if (after.isNew) isNew.push(device);
        if (after.twin.isOverLimit) overLimit += 1;
      }
      return { devices: present, changed: isNew, overLimit };
    },
    async payloadOf(deviceUid) {
      const device = await deviceOf(deviceUid);
      return device === undefined ? null : payload(await of(device));
    },
    async toTell(deviceUid) {
      // Before the device: one of this uid that is made meanwhile has a later version.
      const stored = await store.find(deviceUid);
      const device = await deviceOf(deviceUid);
      if (device === undefined) return { payload: null, version: stored?.version ?? 0 };
      const twin = await of(device);
      return { payload: payload(twin), version: twin.version };
    },
    async *all() {
      for (let afterId = 0; ; ) {
        const page = await devices.listInScope({}, afterId, PAGE);
        for (const device of page) {
          const text = payload(await of(device));
          if (text !== null) yield { deviceUid: device.deviceUid, payload: text };
        }
        const last = page.at(-1);
        if (last === undefined) return;
        afterId = last.deviceId;
      }
    },
  };
}

function payload({ version, effective }: Twin): string | null {
  return version === 0 ? null : JSON.stringify({ version, config: effective });
}
