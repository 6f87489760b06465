import type { DeviceStatus, StatusSource } from '../devices.ports.ts';

export interface StatusChange {
  readonly deviceId: number;
  readonly status: DeviceStatus;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly source: StatusSource;
  /** Only if the device was not heard of since, epoch milliseconds; for `health`. */
  readonly unlessSeenSince?: number;
  /** Only if that is the status that it has, or would have if it were not held. */
  readonly onlyFrom?: DeviceStatus;
  readonly firmwareVersion?: string;
  /** From the device itself (`message`): the one that it reports; empty: none any more. Else that of its connection. */
  readonly ipAddress?: string;
}

export interface DeviceState {
  readonly status: DeviceStatus;
  /** While held in MAINTENANCE by an operator: the status it would have. Otherwise null. */
  readonly measuredStatus: DeviceStatus | null;
  readonly lastSeenAt: number | null;
  readonly firmwareVersion: string | null;
  /** Of its latest connection. */
  readonly ipAddress: string | null;
  readonly reportedIpAddress: string | null;
}

/**
 * The state after a change. Changes count in the order in which they come, not by their time: a device's
 * clock must not decide whether its disconnect is believed.
 *
 * - An operator's MAINTENANCE stays whatever connections and messages say; those are remembered as the
 *   measured status, and any other status from an operator lets the device show that one again.
 * - The address that a device reports is kept beside that of its connection: a connect does not overwrite it.
 * - Contact with the device (connection, message) advances `lastSeenAt`; it never moves backwards.
 *
 * @returns the same object when nothing changes
 */
export function nextState(state: DeviceState, change: StatusChange): DeviceState {
  if (change.unlessSeenSince !== undefined && (state.lastSeenAt ?? 0) >= change.unlessSeenSince) return state;
  if (change.onlyFrom !== undefined && (state.measuredStatus ?? state.status) !== change.onlyFrom) return state;
  if (change.source === 'operator') return nextHeldState(state, change.status);

  const held = state.measuredStatus !== null;
  const contact = change.source === 'connection' || change.source === 'message';
  const next: DeviceState = {
    status: held ? state.status : change.status,
    measuredStatus: held ? change.status : null,
    lastSeenAt: contact ? Math.max(state.lastSeenAt ?? 0, change.at) : state.lastSeenAt,
    firmwareVersion: change.firmwareVersion ?? state.firmwareVersion,
    ...addressesAfter(state, change),
  };
  return sameRecord(state, next) && state.lastSeenAt === next.lastSeenAt ? state : next;
}

function addressesAfter(
  { ipAddress, reportedIpAddress }: DeviceState,
  change: StatusChange,
): Pick<DeviceState, 'ipAddress' | 'reportedIpAddress'> {
  if (change.ipAddress === undefined) return { ipAddress, reportedIpAddress };
  if (change.source === 'message') return { ipAddress, reportedIpAddress: change.ipAddress || null };
  return { ipAddress: change.ipAddress, reportedIpAddress };
}

function nextHeldState(state: DeviceState, status: DeviceStatus): DeviceState {
  const held = state.measuredStatus !== null;
  if (held === (status === 'MAINTENANCE')) return state;
  return held
    ? { ...state, status: state.measuredStatus, measuredStatus: null }
    : { ...state, status: 'MAINTENANCE', measuredStatus: state.status };
}

/** Whether two states differ in nothing but `lastSeenAt`. */
export function sameRecord(a: DeviceState, b: DeviceState): boolean {
  return (
    a.status === b.status &&
    a.measuredStatus === b.measuredStatus &&
    a.firmwareVersion === b.firmwareVersion &&
    a.ipAddress === b.ipAddress &&
    a.reportedIpAddress === b.reportedIpAddress
  );
}
