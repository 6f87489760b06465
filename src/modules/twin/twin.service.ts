import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { jsonFlawMessage } from '#kernel/json-flaw.ts';
import { type Page, toPage } from '#kernel/pagination.ts';
import { type DeviceFacts, type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import { twinErrors } from './twin.errors.ts';
import type { Twin, TwinDevice, TwinStore, TwinVersion } from './twin.ports.ts';
import { CONFIG_LIMITS, flawOf, type Json, mergePatch } from './twin.rules.ts';

export interface TwinServiceDeps {
  readonly store: TwinStore;
  readonly current: CurrentTwins;
  readonly devices: Pick<DevicesApi, 'getControllable' | 'describe'>;
  readonly clock: Clock;
  /** The device has to have another configuration. */
  readonly changed: (device: TwinDevice) => void;
}

/** What a request may ask for: the version in `If-Match`; null: whatever there is. */
export type ExpectedVersion = number | null;

export type TwinService = ReturnType<typeof createTwinService>;

export function createTwinService({ store, current, devices, clock, changed }: TwinServiceDeps) {
  async function controllable(principal: Principal, deviceId: number): Promise<DeviceFacts> {
    await devices.getControllable(principal, deviceId);
    const [device] = await devices.describe([deviceId]);
    if (device === undefined) throw deviceErrors.device_not_found();
    return device;
  }

  /** @param from makes its own configuration of the one that there is */
  async function change(
    principal: Principal,
    deviceId: number,
    expected: ExpectedVersion,
    from: (twin: Twin) => Json,
    audited: Readonly<Record<string, unknown>> = {},
  ): Promise<Twin> {
    const device = await controllable(principal, deviceId);
    const at = clock.now();
    const { twin, isNew } = await store.transaction(async (writer, audit) => {
      const before = await current.change(writer, deviceId, { by: 'group', userId: null, at });
      checkVersion(before.twin.version, expected);
      const own = from(before.twin);
      checkConfig(own);
      const after = await current.change(writer, deviceId, { own, by: 'user', userId: principal.userId, at });
      if (after.isNew) {
        const details = { device_uid: device.deviceUid, version: after.twin.version, ...audited };
        await audit.record({ actor: principal, ...configEntry(device, 'device_config.changed'), details });
      }
      return { twin: after.twin, isNew: before.isNew || after.isNew };
    });
    if (isNew) changed(device);
    return twin;
  }

  return {
    /** @throws AppError as `getControllable` */
    get: async (principal: Principal, deviceId: number): Promise<Twin> =>
      await current.of(await controllable(principal, deviceId)),

    /** @throws AppError as `get`, `config_invalid`, `precondition_failed` */
    replace: (principal: Principal, deviceId: number, config: Json, expected: ExpectedVersion): Promise<Twin> =>
      change(principal, deviceId, expected, () => config),

    /** @param patch JSON merge patch. @throws AppError as `replace` */
    patch: (principal: Principal, deviceId: number, patch: Json, expected: ExpectedVersion): Promise<Twin> =>
      change(principal, deviceId, expected, ({ own }) => mergePatch(own, patch) as Json),

    /** What was its own at that version is so again, as a new version. @throws AppError as `replace`, `config_version_not_found` */
    async rollback(principal: Principal, deviceId: number, version: number, expected: ExpectedVersion): Promise<Twin> {
      await controllable(principal, deviceId);
      const kept = await store.findVersion(deviceId, version);
      if (kept === null) throw twinErrors.config_version_not_found();
      return await change(principal, deviceId, expected, () => kept.own, { rolled_back_to: version });
    },

    /** Newest first. @throws AppError as `get` */
    async history(
      principal: Principal,
      deviceId: number,
      page: { readonly page: number; readonly size: number },
    ): Promise<Page<TwinVersion>> {
      await current.of(await controllable(principal, deviceId));
      const { items, total } = await store.listVersions(deviceId, page);
      return toPage(items, total, page);
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
  const message = jsonFlawMessage(flaw, CONFIG_LIMITS);
  throw twinErrors.config_invalid({ details: { fields: [{ path: '/', message }] } });
}

export function configEntry(
  { deviceId }: Pick<TwinDevice, 'deviceId'>,
  action: string,
): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'device', resourceId: String(deviceId) };
}
