import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { jsonFlawMessage } from '#kernel/json-flaw.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import { twinErrors } from './twin.errors.ts';
import {
  type ChangedBy,
  type DeviceKey,
  type Twin,
  type TwinDevice,
  type TwinStore,
  type TwinVersion,
  VERSION_SORT_FIELDS,
  type VersionListQuery,
} from './twin.ports.ts';
import { CONFIG_LIMITS, flawOf, isSame, type Json, mergePatch } from './twin.rules.ts';

export interface TwinServiceDeps {
  readonly store: TwinStore;
  readonly current: CurrentTwins;
  readonly devices: Pick<DevicesApi, 'getControllable' | 'describe'>;
  readonly clock: Clock;
  /** The device has to have another configuration. */
  readonly changed: (device: DeviceKey, by: ChangedBy) => void;
}

/** What a request may ask for: the version in `If-Match`; null: whatever there is. */
export type ExpectedVersion = number | null;

export type TwinService = ReturnType<typeof createTwinService>;

export function createTwinService({ store, current, devices, clock, changed }: TwinServiceDeps) {
  /** @param from makes its own configuration of the one that there is */
  async function change(
    principal: Principal,
    deviceId: number,
    expected: ExpectedVersion,
    from: (twin: Twin) => Json,
    audited: Readonly<Record<string, unknown>> = {},
  ): Promise<Twin> {
    const device = await devices.getControllable(principal, deviceId);
    const at = clock.now();
    const { twin, by } = await store.transaction(async (writer, audit) => {
      const before = await current.change(writer, deviceId, { by: 'group', userId: null, at });
      checkVersion(before.twin.version, expected);
      const own = from(before.twin);
      checkConfig(own);
      const after = await current.change(writer, deviceId, { own, by: 'user', userId: principal.userId, at });
      if (after.twin.isOverLimit && !isSame(own, before.twin.own)) throw invalid(WITH_DEFAULTS_TOO_LARGE);
      if (after.isNew) {
        const details = { device_uid: device.deviceUid, version: after.twin.version, ...audited };
        await audit.record({ actor: principal, ...configEntry(device, 'device_config.updated'), details });
      }
      const group = before.isNew ? ('group' as const) : null;
      return { twin: after.twin, by: after.isNew ? ('user' as const) : group };
    });
    if (by !== null) changed(device, by);
    return twin;
  }

  return {
    /** @throws AppError as `getControllable` */
    get: async (principal: Principal, deviceId: number): Promise<Twin> =>
      await current.of(await devices.getControllable(principal, deviceId)),

    /** @throws AppError as `get`, `config_invalid`, `precondition_failed` */
    replace: (principal: Principal, deviceId: number, config: Json, expected: ExpectedVersion): Promise<Twin> =>
      change(principal, deviceId, expected, () => config),

    /** @param patch JSON merge patch. @throws AppError as `replace` */
    patch: (principal: Principal, deviceId: number, patch: Json, expected: ExpectedVersion): Promise<Twin> =>
      change(principal, deviceId, expected, ({ own }) => mergePatch(own, patch) as Json),

    /** What was its own at that version is so again, as a new version. @throws AppError as `replace`, `config_version_not_found` */
    async rollback(principal: Principal, deviceId: number, version: number, expected: ExpectedVersion): Promise<Twin> {
      await devices.getControllable(principal, deviceId);
      const kept = await store.findVersion(deviceId, version);
      if (kept === null) throw twinErrors.config_version_not_found();
      return await change(principal, deviceId, expected, () => kept.own, { rolled_back_to: version });
    },

    /** Newest first unless sorted otherwise. @throws AppError as `get`, `invalid_sort` */
    async history(
      principal: Principal,
      deviceId: number,
      filter: VersionListQuery['filter'],
      query: PageQuery,
    ): Promise<Page<TwinVersion>> {
      const sort = parseSort(query.sort, VERSION_SORT_FIELDS, [{ field: 'version', direction: 'desc' }]);
      await current.of(await devices.getControllable(principal, deviceId));
      const { items, total } = await store.listVersions(deviceId, { ...query, filter, sort });
      return toPage(items, total, query);
    },

    /** For the device itself. */
    async ofDevice(deviceId: number): Promise<Twin> {
      const [device] = await devices.describe([deviceId]);
      if (device === undefined) throw deviceErrors.device_not_found();
      return await current.of(device);
    },
  };
}

/** @throws AppError `precondition_failed`, with the version that there is */
export function checkVersion(version: number, expected: ExpectedVersion): void {
  if (expected === null || expected === version) return;
  throw commonErrors.precondition_failed({ detail: `The configuration has version ${version} now.` });
}

/** @throws AppError `config_invalid` */
export function checkConfig(config: Json): void {
  const flaw = flawOf(config);
  if (flaw === null) return;
  throw invalid(jsonFlawMessage(flaw, CONFIG_LIMITS));
}

const WITH_DEFAULTS_TOO_LARGE = `must be at most ${CONFIG_LIMITS.bytes} bytes as JSON together with the defaults of its group`;

function invalid(message: string) {
  return twinErrors.config_invalid({ details: { fields: [{ path: '/', message }] } });
}

export function configEntry(
  { deviceId }: Pick<TwinDevice, 'deviceId'>,
  action: string,
): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'device', resourceId: String(deviceId) };
}
