import type { Clock } from '#kernel/clock.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { Twin, TwinDevice, TwinStore, TwinWriter } from './twin.ports.ts';
import { isCurrent, nextTwin, type TwinChange } from './twin.versions.ts';

/** Devices that are read at a time. */
const PAGE = 500;

/**
 * The configuration of a device with the present defaults of its group. What a process that ended has left undone after a
 * change of a group or of a membership is done when somebody looks.
 */
export interface CurrentTwins {
  of(device: TwinDevice): Promise<Twin>;
  /**
   * In a transaction, with a change.
   * @returns what it is afterwards, and whether that is a new version
   * @throws AppError `device_not_found`
   */
  change(
    writer: TwinWriter,
    deviceId: number,
    change: TwinChange,
  ): Promise<{ readonly twin: Twin; readonly isNew: boolean }>;
  /** What the device receives; null: nothing was ever desired, or there is no such device. */
  payloadOf(deviceUid: string): Promise<string | null>;
  /** Every device that has to have something. */
  all(): AsyncIterable<{ readonly deviceUid: string; readonly payload: string }>;
}

export function createCurrentTwins({
  store,
  devices,
  clock,
}: {
  readonly store: TwinStore;
  readonly devices: Pick<DevicesApi, 'describe' | 'findByUid' | 'listInScope'>;
  readonly clock: Clock;
}): CurrentTwins {
  async function change(writer: TwinWriter, deviceId: number, wanted: TwinChange) {
    const [device] = await writer.describe([deviceId]);
    if (device === undefined) throw deviceErrors.device_not_found();
    const stored = await writer.find(device.deviceUid);
    const group = device.groupId === null ? null : await writer.findGroup(device.groupId);
    const { twin, version } = nextTwin(stored, device, group, wanted);
    if (version !== null) {
      await writer.save(twin, wanted.at);
      await writer.addVersion(device, version);
    }
    return { twin, isNew: version !== null };
  }

  async function of(device: TwinDevice): Promise<Twin> {
    const stored = await store.find(device.deviceUid);
    const group = device.groupId === null ? null : await store.findGroup(device.groupId);
    const nothing = { by: 'group', userId: null, at: clock.now() } as const;
    if (isCurrent(stored, device, group)) return nextTwin(stored, device, group, nothing).twin;
    return (await store.transaction((writer) => change(writer, device.deviceId, nothing))).twin;
  }

  return {
    of,
    change,
    async payloadOf(deviceUid) {
      const ref = await devices.findByUid(deviceUid);
      const [device] = ref === null ? [] : await devices.describe([ref.deviceId]);
      return device === undefined ? null : payload(await of(device));
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
