import type { Clock } from '#kernel/clock.ts';
import { type ConfigReport, STATUS_CHANNEL, type StatusItem } from '#modules/devices/index.ts';
import type { Sink } from '#platform/channels/channel.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import type { Twin, TwinDevice, TwinStore, TwinWriter } from './twin.ports.ts';
import { fieldOf, isSame, withoutField } from './twin.rules.ts';
import { configEntry } from './twin.service.ts';
import { withReport } from './twin.versions.ts';

/** Takes what devices say of their configuration on `status`. */
export function createReportSink({
  store,
  current,
  clock,
  changed,
}: {
  readonly store: TwinStore;
  readonly current: CurrentTwins;
  readonly clock: Clock;
  readonly changed: (device: TwinDevice) => void;
}): Sink<StatusItem> {
  return {
    name: 'configuration',
    channel: STATUS_CHANNEL,
    async apply(items) {
      const reports = items.flatMap(({ deviceId, at, config }) =>
        config === undefined ? [] : [{ deviceId, at, config }],
      );
      if (reports.length === 0) return items.map(() => 'unclaimed');
      const renewed = await store.transaction(async (writer, audit) => {
        const isNew = new Set<TwinDevice>();
        const ids = [...new Set(reports.map(({ deviceId }) => deviceId))];
        const known = new Map((await writer.describe(ids)).map((each) => [each.deviceId, each]));
        for (const { deviceId, at, config } of reports) {
          const device = known.get(deviceId);
          // Deleted meanwhile.
          if (device === undefined) continue;
          const before = await current.change(writer, deviceId, { by: 'group', userId: null, at: clock.now() });
          const group = device.groupId === null ? null : await writer.findGroup(device.groupId);
          const overrides = await validOverrides(writer, before.twin, config);
          const own = overrides.reduce((left, each) => withoutField(left, group?.config ?? {}, each), before.twin.own);
          const after = await current.change(writer, deviceId, { own, by: 'device', userId: null, at: clock.now() });
          await writer.save(withReport(after.twin, reportedOf(config, at)), clock.now());
          if (after.isNew) {
            const details = { device_uid: device.deviceUid, version: after.twin.version, fields: overrides };
            await audit.record({ actor: null, ...configEntry(device, 'device_config.overridden'), details });
          }
          if (before.isNew || after.isNew) isNew.add(device);
        }
        return isNew;
      });
      for (const device of renewed) changed(device);
      return items.map(({ config }) => (config === undefined ? 'unclaimed' : 'stored'));
    },
  };
}

/**
 * Fields that the device has decided itself are desired no longer. One that is another by now than in the version that the
 * device has applied stays: it was set later, and a message may come twice. A device that names no version has the present one.
 */
async function validOverrides(
  writer: Pick<TwinWriter, 'findVersion'>,
  { deviceId, version, effective }: Twin,
  { version: applied = version, overrides = [] }: ConfigReport,
): Promise<readonly string[]> {
  if (overrides.length === 0 || applied === version) return overrides;
  const known = await writer.findVersion(deviceId, applied);
  if (known === null) return [];
  return overrides.filter((each) => isSame(fieldOf(known.effective, each), fieldOf(effective, each)));
}

function reportedOf({ version, config, error }: ConfigReport, at: number) {
  return { version: version ?? null, config: config ?? null, error: error ?? null, at };
}
