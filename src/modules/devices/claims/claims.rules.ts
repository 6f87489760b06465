/** What a claim allows, without stores and clocks. Instants are epoch milliseconds. */
export interface ClaimFacts {
  /** Of the devices that it makes. */
  readonly deviceType: string;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly maxDevices: number;
  /** Devices that it has made. */
  readonly used: number;
  /** With `*` for any characters; null: any uid. */
  readonly uidPattern: string | null;
  /** The only ones; null: any uid. */
  readonly uids: readonly string[] | null;
}

export type ClaimFlaw =
  | 'claim_expired'
  | 'claim_revoked'
  | 'claim_used_up'
  | 'claim_type_refused'
  | 'claim_uid_required'
  | 'claim_uid_refused';

/** What a device says of itself; null: nothing. */
export interface WantedDevice {
  readonly deviceUid: string | null;
  readonly deviceType: string | null;
}

/** Why a device may not be made by this claim; null: it may. */
export function flawOfClaim(claim: ClaimFacts, { deviceUid, deviceType }: WantedDevice, at: number): ClaimFlaw | null {
  if (claim.revokedAt !== null) return 'claim_revoked';
  if (claim.expiresAt <= at) return 'claim_expired';
  if (claim.used >= claim.maxDevices) return 'claim_used_up';
  if (deviceType !== null && deviceType !== claim.deviceType) return 'claim_type_refused';
  const { uidPattern, uids } = claim;
  if (uidPattern === null && uids === null) return null;
  if (deviceUid === null) return 'claim_uid_required';
  const isAllowed =
    (uids === null || uids.includes(deviceUid)) && (uidPattern === null || matchesPattern(deviceUid, uidPattern));
  return isAllowed ? null : 'claim_uid_refused';
}

/** Whether a text is like a pattern in which `*` stands for any characters. Takes no longer than text and pattern are. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found === -1 || found + part.length > text.length - last.length) return false;
    position = found + part.length;
  }
  return true;
}
