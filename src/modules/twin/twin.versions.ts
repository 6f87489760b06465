import type { ChangedBy, GroupConfig, Reported, StoredTwin, Twin, TwinDevice, TwinVersion } from './twin.ports.ts';
import { deltaOf, effectiveOf, isSame, isTooLarge, type Json } from './twin.rules.ts';

export interface TwinChange {
  /** Absent: only the group or the membership may have changed. */
  readonly own?: Json;
  readonly by: ChangedBy;
  readonly userId: number | null;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface NextTwin {
  readonly twin: Twin;
  /** Null: nothing changed. */
  readonly version: TwinVersion | null;
  /** Whether it is another one than is stored. */
  readonly isToStore: boolean;
}

/**
 * The configuration of a device after a change, with the present defaults of its group. Whatever changes is one version more.
 * One that would be larger than a device can report is none: what was before stays, and `isOverLimit` says so.
 * @param stored by uid; of a deleted device that had it, perhaps: then only the version counts
 * @param group the defaults of the device's group; null: it has none
 */
export function nextTwin(
  stored: StoredTwin | null,
  device: TwinDevice,
  group: GroupConfig | null,
  change: TwinChange,
): NextTwin {
  const before = stored !== null && stored.deviceId === device.deviceId ? stored : blank(device, stored?.version ?? 0);
  const isSomebodyElses = stored !== null && stored.deviceId !== device.deviceId && stored.version > 0;
  const own = change.own ?? before.own;
  const basis = { groupId: group?.groupId ?? null, groupVersion: group?.version ?? 0 };
  const isSameBasis = before.groupId === basis.groupId && before.groupVersion === basis.groupVersion;
  if (isSameBasis && !isSomebodyElses && isSame(own, before.own)) return unchanged(stored, before, false);
  const effective = effectiveOf(group?.config ?? {}, own);
  if (isTooLarge(effective)) return unchanged(stored, before, true);
  const { by, userId, at } = change;
  const version = before.version + 1;
  const next = { ...before, ...basis, own, effective, version, updatedAt: at, updatedBy: userId, isOverLimit: false };
  const twin = { ...next, isInSync: isInSync(next) };
  return { twin, version: { version, own, effective, changedBy: by, userId, at }, isToStore: true };
}

function unchanged(stored: StoredTwin | null, before: StoredTwin, isOverLimit: boolean): NextTwin {
  const twin = { ...before, isOverLimit, isInSync: isInSync({ ...before, isOverLimit }) };
  return { twin, version: null, isToStore: twin.isInSync !== (stored?.isInSync ?? true) };
}

/** What is left of a deleted device: the next one of its uid goes on with the versions. */
export function forgotten(twin: StoredTwin): StoredTwin {
  return { ...blank(twin, twin.version), updatedAt: twin.updatedAt };
}

export function withReport(twin: Twin, reported: Reported): Twin {
  // What it does not say this time still holds.
  const { version = null, config = null } = reported;
  const merged = {
    ...reported,
    version: version ?? twin.reported?.version ?? null,
    config: config ?? (version === null || version === twin.reported?.version ? (twin.reported?.config ?? null) : null),
  };
  const next = { ...twin, reported: merged };
  return { ...next, isInSync: isInSync(next) };
}

/** What the device has yet to change. A device that says nothing but the version has what that version says. */
export function deltaOfTwin({ version, effective, reported }: Pick<Twin, 'version' | 'effective' | 'reported'>): Json {
  if (reported?.config === null && reported.version === version && reported.error === null) return {};
  return deltaOf(effective, reported?.config ?? {});
}

function isInSync(twin: Pick<Twin, 'version' | 'effective' | 'reported' | 'isOverLimit'>): boolean {
  if (twin.isOverLimit) return false;
  if (twin.version === 0) return true;
  const { reported } = twin;
  return (
    reported !== null &&
    reported.version === twin.version &&
    reported.error === null &&
    Object.keys(deltaOfTwin(twin)).length === 0
  );
}

function blank({ deviceId, deviceUid }: TwinDevice, version: number): StoredTwin {
  return {
    deviceId,
    deviceUid,
    version,
    own: {},
    effective: {},
    groupId: null,
    groupVersion: 0,
    updatedAt: null,
    updatedBy: null,
    reported: null,
    isInSync: true,
  };
}
