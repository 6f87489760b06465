import type { DeviceStatus, StatusSource } from './devices.ports.ts';

interface DeviceEvent {
  readonly device_id: number;
  readonly device_uid: string;
}

/** A change that a person made. */
interface DeviceActionEvent extends DeviceEvent {
  /** Id of the user who did it. */
  readonly actor_id: number;
}

export interface DeviceStatusChanged extends DeviceEvent {
  /** Id of its entry in the log of the device. */
  readonly transition_id: string;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  readonly source: StatusSource;
  /** Epoch milliseconds; null: the device has never been seen. */
  readonly last_seen_at: number | null;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    'device.created': DeviceActionEvent;
    /** `changes` names the fields, in snake_case. Status is not among them: it has an event of its own. */
    'device.updated': DeviceActionEvent & { readonly changes: readonly string[] };
    /** From now on its credentials are void: its session must be cut. */
    'device.deleted': DeviceActionEvent;
    /** The former secret is void: its session must be cut. */
    'device.credentials_rotated': DeviceActionEvent;
    /** A user may have lost sight of the device: live subscriptions must be checked. */
    'device.owner_changed': DeviceActionEvent & { readonly from: number | null; readonly to: number | null };
    /** Once for each transition, in order, after it is on disk. */
    'device.status_changed': DeviceStatusChanged;
    /** It was put OFFLINE because nothing was heard of it: when something is, it is ONLINE. */
    'device.went_silent': DeviceEvent;
  }
}
