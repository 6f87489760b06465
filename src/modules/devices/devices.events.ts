import type { DeviceStatus, StatusSource } from './devices.ports.ts';

interface DeviceEvent {
  readonly device_id: number;
  readonly device_uid: string;
}

/** A change that somebody made. */
interface DeviceActionEvent extends DeviceEvent {
  /** Id of the user who did it; null: the device registered itself. */
  readonly actor_id: number | null;
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
    /** Revoked, superseded, or its authority was removed: a connection that was made with it must be cut. */
    'device.certificate_ended': DeviceEvent & { readonly fingerprint: string };
    /** In 30 days at the latest; once for each. `not_after` in epoch milliseconds. */
    'device.certificate_ending': DeviceEvent & { readonly serial: string; readonly not_after: number };
  }
}
