import type { Principal } from '#kernel/access.ts';
import type { AuditOrigin } from '#platform/audit/audit.port.ts';
import type { SqlTransaction } from '#platform/sql/sql.port.ts';
import type {
  DeviceDirectory,
  DeviceFacts,
  DeviceRef,
  DeviceStatus,
  GroupedDeviceRef,
  StatusTransition,
} from './devices.ports.ts';
import type { StatusChange } from './status/status.rules.ts';

/** What other modules may ask of devices. Deleted devices are not there for any of it. */
export interface DevicesApi extends DeviceDirectory {
  counts(): Promise<{ readonly devices: number; readonly devices_online: number; readonly device_groups: number }>;
  /**
   * Checks a device's login. An unknown uid takes as long as a wrong secret. One look into a unique index.
   * @returns null when they do not match
   */
  authenticate(
    deviceUid: string,
    secret: string,
  ): Promise<{ readonly deviceId: number; readonly deviceUid: string } | null>;
  /**
   * Whose certificate this is, which whoever shows it has the key of. A device that nobody has registered is made, if the
   * authority may do so.
   * @param username `''`: the certificate says which device it is
   * @returns null: certificates do not count here. Or the code of the reason why it is refused, which is in the audit
   * trail then, and of which device it would have been, as far as that can be told
   */
  identify(
    certificate: { readonly der: Uint8Array },
    username: string,
    origin: AuditOrigin,
  ): Promise<DeviceRef | { readonly refused: string; readonly deviceUid: string | null } | null>;
  /**
   * Which claim this token is of; also one that makes no device any more.
   * @returns null: devices do not register themselves here. Or the code of the reason why it is refused, which is in the
   * audit trail then
   */
  findClaim(
    token: string,
    origin: AuditOrigin,
  ): Promise<{ readonly claimId: number } | { readonly refused: string } | null>;
  /**
   * Answers a message on `provision/request`; what it asks for is on disk when this resolves.
   * @param payload null: it was too large
   * @returns the payload for `provision/response`, also of a refusal
   */
  provision(token: string, payload: Uint8Array | null, origin: AuditOrigin): Promise<string>;
  /** The status that it shows now; null when there is no such device. */
  statusOf(deviceId: number): Promise<DeviceStatus | null>;
  /** For a device whose login was checked elsewhere. Null when there is none. One look into a unique index. */
  findByUid(deviceUid: string): Promise<DeviceRef | null>;
  /** @throws AppError `device_not_found` when there is none, or the principal may not see it */
  getVisible(principal: Principal, deviceId: number): Promise<DeviceRef>;
  /**
   * For what goes to a device: commands and configuration.
   * @throws AppError `device_not_found` as `getVisible`; `device_not_yours` when the principal may only see it
   */
  getControllable(principal: Principal, deviceId: number): Promise<GroupedDeviceRef>;
  /** Null when there is none, or the principal may not see it. */
  findVisibleByUid(principal: Principal, deviceUid: string): Promise<DeviceRef | null>;
  /** Whether the principal may watch the device live. */
  mayObserve(principal: Principal, deviceUid: string): Promise<boolean>;
  /**
   * Applies changes in the order given, which is also the order between calls; see `nextState` for what a
   * change does. One transaction, on disk when it resolves; when it rejects, nothing was stored and no event
   * emitted. Meant for batches of up to a few thousand. Unknown devices are skipped.
   * @returns the transitions, in order: a change to the status that a device has is none. The event
   * `device.status_changed` was emitted for each.
   */
  applyStatuses(changes: readonly StatusChange[]): Promise<readonly StatusTransition[]>;
  /** Device id → epoch milliseconds of its latest contact. Never moves `last_seen_at` backwards. */
  touchLastSeen(seen: ReadonlyMap<number, number>): Promise<void>;
  /** As `describe`, within the transaction of whoever decides by it. */
  describeIn(transaction: SqlTransaction, deviceIds: readonly number[]): Promise<readonly DeviceFacts[]>;
  /**
   * For the list of devices: whether it has applied the configuration that it is to have. Part of the transaction of whoever
   * keeps that.
   */
  markConfigSync(transaction: SqlTransaction, deviceId: number, isInSync: boolean): Promise<void>;
  /** What `listConfigsDue` told of these has been seen to, as they are in this transaction. */
  settleConfigs(transaction: SqlTransaction, deviceIds: readonly number[]): Promise<void>;
  /** Every ONLINE device becomes OFFLINE: for the start of a process that holds all connections itself. */
  markAllOffline(at: number): Promise<readonly StatusTransition[]>;
}
