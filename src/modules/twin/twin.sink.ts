import type { Clock } from '#kernel/clock.ts';
import { type ConfigReport, STATUS_CHANNEL, type StatusItem } from '#modules/devices/index.ts';
import type { Sink } from '#platform/channels/channel.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import type { ChangedBy, DeviceKey, Twin, TwinDevice, TwinStore, TwinWriter } from './twin.ports.ts';
import { fieldOf, isSame, withoutField } from './twin.rules.ts';
import { configEntry } from './twin.service.ts';
import { withReport } from './twin.versions.ts';

export type ReportOutcome = 'in_sync' | 'different' | 'error';

/** Takes what devices say of their configuration on `status`. */
export function createReportSink({
  store,
  current,
  clock,
  changed,
  reported,
}: {
  readonly store: TwinStore;
  readonly current: CurrentTwins;
  readonly clock: Clock;
  readonly changed: (device: DeviceKey, by: ChangedBy) => void;
  /** A report is stored. */
  readonly reported: (outcome: ReportOutcome) => void;
}): Sink<StatusItem> {
  return {
    name: 'configuration',
    channel: STATUS_CHANNEL,
    async apply(items) {
      const reports = items.flatMap(({ deviceId, at, config }) =>
        config === undefined ? [] : [{ deviceId, at, config }],
      );
      if (reports.length === 0) return items.map(() => 'unclaimed');
      const { isNew, outcomes } = await store.transaction(async (writer, audit) => {
        const isNew = new Map<TwinDevice, ChangedBy>();
        const outcomes: ReportOutcome[] = [];
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
          const twin = withReport(after.twin, reportedOf(config, at));
          await writer.save(twin, clock.now());
          outcomes.push(outcomeOf(twin));
          if (after.isNew) {
            const details = { device_uid: device.deviceUid, version: after.twin.version, fields: overrides };
            await audit.record({ actor: null, ...configEntry(device, 'device_config.overridden'), details });
          }
          if (before.isNew || after.isNew) isNew.set(device, after.isNew ? 'device' : 'group');
        }
        return { isNew, outcomes };
      });
      for (const [device, by] of isNew) changed(device, by);
      outcomes.forEach(reported);
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

function outcomeOf({ reported, isInSync }: Twin): ReportOutcome {
  if (reported !== null && reported.error !== null) return 'error';
  return isInSync ? 'in_sync' : 'different';
}

function reportedOf({ version, config, error }: ConfigReport, at: number) {
  return { version: version ?? null, config: config ?? null, error: error ?? null, at };
}
