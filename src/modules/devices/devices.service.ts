import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { EventBus } from '#kernel/events.ts';
import { differences } from '#kernel/fields.ts';
import { hashSecret, secretMatches } from '#kernel/ids.ts';
import { type Page, type PageQuery, parseSort } from '#kernel/pagination.ts';
import { auditedDevice, deviceEntry, deviceUpdateEntry } from './devices.audit.ts';
import { deviceErrors } from './devices.errors.ts';
import { type DeviceSettings, SETTING_NAMES } from './devices.fields.ts';
import type { DeviceLogins } from './devices.logins.ts';
import { metadataToText } from './devices.metadata.ts';
import type { DevicePolicy } from './devices.policy.ts';
import {
  DEVICE_SORT_FIELDS,
  type DeviceChanges,
  type DeviceCredentials,
  type DeviceFilter,
  type DeviceListing,
  type DeviceRecord,
  type DeviceRef,
  type DeviceStatus,
  type DeviceStore,
  type DeviceUpdate,
  type GroupedDeviceRef,
  type StatusTransition,
  type UserDirectory,
} from './devices.ports.ts';
import { type DeviceInput, prepareDevice } from './devices.registration.ts';
import type { StatusService } from './status/status.service.ts';

export interface DevicesServiceDeps {
  readonly store: DeviceStore & DeviceListing;
  readonly logins: Pick<DeviceLogins, 'open' | 'rotate' | 'close'>;
  readonly statuses: Pick<StatusService, 'inOrder'>;
  readonly users: UserDirectory;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly policy: DevicePolicy;
}

export type DevicesService = ReturnType<typeof createDevicesService>;

const DEFAULT_SORT = [{ field: 'created_at', direction: 'desc' }] as const;
/** Compared with when there is no such device, so that an unknown uid takes as long as a wrong secret. */
const NOBODY = hashSecret('nobody');

export function createDevicesService(deps: DevicesServiceDeps) {
  const { store, logins, statuses, users, clock, events } = deps;
  const { seesAll, sees, controls } = deps.policy;

  async function requireOwner(ownerId: number | null | undefined): Promise<void> {
    if (ownerId === null || ownerId === undefined || (await users.exists(ownerId))) return;
    throw deviceErrors.device_owner_unknown({
      details: { fields: [{ path: '/owner_id', message: 'must be the id of a user' }] },
    });
  }

  async function existing(deviceId: number, reader: Pick<DeviceStore, 'findById'> = store): Promise<DeviceRecord> {
    const device = await reader.findById(deviceId);
    if (device === null) throw deviceErrors.device_not_found();
    return device;
  }

  return {
    /** Devices that the principal may see. @throws AppError `invalid_sort` */
    async list(
      principal: Principal,
      query: PageQuery & { readonly filter: DeviceFilter },
    ): Promise<Page<DeviceRecord>> {
      const sort = parseSort(query.sort, DEVICE_SORT_FIELDS, DEFAULT_SORT);
      const visibleTo = seesAll(principal) ? null : principal.userId;
      const { page, size, filter } = query;
      return await store.list({ page, size, filter, visibleTo, sort });
    },

    /** @throws AppError `device_not_found`, also when the principal may not see it */
    async get(principal: Principal, deviceId: number): Promise<DeviceRecord> {
      const device = await existing(deviceId);
      if (!sees(principal, device)) throw deviceErrors.device_not_found();
      return device;
    },

    /**
     * Registers a device. The credentials are not kept: this is the only time that they are known.
     * They work when this resolves, at the broker too.
     * @param principal null: a device that registers itself
     * @param password absent: a new one
     * @throws AppError `device_uid_taken`, `device_group_unknown`, `device_owner_unknown`,
     * `device_metadata_invalid`, `unavailable`
     */
    async create(
      principal: Principal | null,
      input: DeviceInput,
      password?: string,
    ): Promise<{ readonly device: DeviceRecord; readonly credentials: DeviceCredentials }> {
      await requireOwner(input.ownerId);
      const { row, credentials } = prepareDevice(input, password);
      const now = clock.now();
      const device = await store.transaction(async (writer, audit) => {
        if (row.groupId !== null && !(await writer.groupExists(row.groupId))) throw unknownGroup();
        const created = await existing(await writer.insert(row, now), writer);
        await audit.record(deviceEntry(principal, 'device.created', created.id, auditedDevice(created)));
        return created;
      });
      await logins.open(device.id, credentials);
      events.emit('device.created', now, {
        device_id: device.id,
        device_uid: device.deviceUid,
        actor_id: principal?.userId ?? null,
      });
      return { device, credentials };
    },

    /**
     * @throws AppError `device_not_found`, `device_group_unknown`, `device_owner_unknown`,
     * `device_metadata_invalid`, `device_status_measured`
     */
    update(principal: Principal, deviceId: number, changes: DeviceChanges): Promise<DeviceRecord> {
      return statuses.inOrder(async () => {
        const metadata = changes.metadata === undefined ? undefined : metadataToText(changes.metadata);
        if (changes.ownerId !== undefined && changes.ownerId !== (await existing(deviceId)).ownerId) {
          await requireOwner(changes.ownerId);
        }
        const now = clock.now();
        const { before, after, update, transition } = await store.transaction(async (writer, audit) => {
          const before = await existing(deviceId, writer);
          const update = updateOf(before, changes, metadata);
          if (update.groupId && !(await writer.groupExists(update.groupId))) throw unknownGroup();
          if (Object.keys(update).length === 0) return { before, after: before, update, transition: null };
          await writer.update(deviceId, update, now);
          const after = await existing(deviceId, writer);
          await audit.record(deviceUpdateEntry(principal, before, after));
          const transition =
            before.status === after.status ? null : await writer.recordTransition(heldBy(before, after, now), now);
          return { before, after, update, transition };
        });
        announce(principal, before, after, update, now);
        if (transition !== null) {
          events.emit('device.status_changed', now, {
            transition_id: transition.id,
            device_id: after.id,
            device_uid: after.deviceUid,
            from: transition.from,
            to: transition.to,
            source: transition.source,
            last_seen_at: after.lastSeenAt,
          });
        }
        return after;
      });
    },

    /** Soft: the device vanishes and its uid is free. @throws AppError `device_not_found` */
    async remove(principal: Principal, deviceId: number): Promise<void> {
      const now = clock.now();
      const device = await existing(deviceId);
      await logins.close(device.deviceUid, () =>
        store.transaction(async (writer, audit) => {
          const removed = await existing(deviceId, writer);
          await writer.remove(deviceId, now);
          await audit.record(deviceEntry(principal, 'device.deleted', deviceId, auditedDevice(removed)));
        }),
      );
      events.emit('device.deleted', now, {
        device_id: deviceId,
        device_uid: device.deviceUid,
        actor_id: principal.userId,
      });
    },

    /** Gives the device a new secret; the old one is void. @throws AppError `device_not_found` */
    async rotateCredentials(principal: Principal, deviceId: number): Promise<DeviceCredentials> {
      const now = clock.now();
      const credentials = await logins.rotate(principal, deviceId, now);
      events.emit('device.credentials_rotated', now, {
        device_id: deviceId,
        device_uid: credentials.username,
        actor_id: principal.userId,
      });
      return credentials;
    },

    async authenticate(
      deviceUid: string,
      secret: string,
    ): Promise<{ readonly deviceId: number; readonly deviceUid: string } | null> {
      const found = await store.findSecret(deviceUid);
      const matches = secretMatches(secret, found?.secretHash ?? NOBODY);
      // A store may compare without regard to case; a uid, and the topics made of it, do not.
      if (found === null || !matches || found.deviceUid !== deviceUid) return null;
      return { deviceId: found.id, deviceUid };
    },

    async findByUid(deviceUid: string): Promise<DeviceRef | null> {
      const ref = await store.findRefByUid(deviceUid);
      return ref?.deviceUid === deviceUid ? ref : null;
    },

    async getVisible(principal: Principal, deviceId: number): Promise<DeviceRef> {
      const ref = await store.findRef(deviceId);
      if (ref === null || !sees(principal, ref)) throw deviceErrors.device_not_found();
      return ref;
    },

    async getControllable(principal: Principal, deviceId: number): Promise<GroupedDeviceRef> {
      const ref = await store.findRef(deviceId);
      if (ref === null || !sees(principal, ref)) throw deviceErrors.device_not_found();
      if (!controls(principal, ref)) throw deviceErrors.device_not_yours();
      return ref;
    },

    async findVisibleByUid(principal: Principal, deviceUid: string): Promise<DeviceRef | null> {
      const ref = await store.findRefByUid(deviceUid);
      return ref !== null && ref.deviceUid === deviceUid && sees(principal, ref) ? ref : null;
    },
  };

  function announce(
    principal: Principal,
    before: DeviceRecord,
    after: DeviceRecord,
    update: DeviceUpdate,
    now: number,
  ): void {
    const device = { device_id: after.id, device_uid: after.deviceUid };
    const actor = { ...device, actor_id: principal.userId };
    const changes = Object.keys(update).flatMap((field) => SETTING_NAMES[field as keyof DeviceSettings] ?? []);
    if (changes.length > 0) events.emit('device.updated', now, { ...actor, changes });
    if (before.ownerId !== after.ownerId) {
      events.emit('device.owner_changed', now, { ...actor, from: before.ownerId, to: after.ownerId });
    }
  }
}

/** The transition that a person makes. */
function heldBy(before: DeviceRecord, after: DeviceRecord, at: number): Omit<StatusTransition, 'id'> {
  const { id: deviceId, deviceUid } = after;
  return { deviceId, deviceUid, from: before.status, to: after.status, at, source: 'operator' };
}

function unknownGroup() {
  return deviceErrors.device_group_unknown({
    details: { fields: [{ path: '/group_id', message: 'must be the id of a device group' }] },
  });
}

/** What of `changes` is not so already. */
function updateOf(
  before: DeviceRecord,
  { metadata: _, status, ...changes }: DeviceChanges,
  metadata: string | undefined,
) {
  const said: Partial<DeviceSettings> = { ...changes, ...defined({ metadata }) };
  return { ...differences<DeviceSettings>(before, said), ...statusDifference(before, status) };
}

function statusDifference(before: DeviceRecord, status: DeviceStatus | undefined): DeviceUpdate {
  if (status === undefined) return {};
  const held = before.measuredStatus !== null;
  if (status === 'MAINTENANCE') return held ? {} : { status, measuredStatus: before.status };
  if (held) return { status: before.measuredStatus, measuredStatus: null };
  if (status === before.status) return {};
  throw deviceErrors.device_status_measured({
    details: { fields: [{ path: '/status', message: 'must be MAINTENANCE, or any other status to end it' }] },
  });
}
