import { createId, createSecret, hashSecret } from '#kernel/ids.ts';
import { metadataToText } from './devices.metadata.ts';
import type { DeviceCredentials, NewDevice } from './devices.ports.ts';

export interface DeviceInput {
  readonly name: string;
  readonly deviceType: string;
  /** Generated when absent. */
  readonly deviceUid?: string;
  readonly groupId?: number | null;
  readonly ownerId?: number | null;
  readonly inactivitySeconds?: number | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * A new device as it will be stored, and the credentials that only its creator gets to see.
 * @throws AppError `device_metadata_invalid`
 */
export function prepareDevice(input: DeviceInput): {
  readonly row: NewDevice;
  readonly credentials: DeviceCredentials;
} {
  const deviceUid = input.deviceUid ?? `dev-${createId().replaceAll('-', '').slice(-16)}`;
  const password = createSecret();
  return {
    row: {
      deviceUid,
      name: input.name,
      deviceType: input.deviceType,
      groupId: input.groupId ?? null,
      ownerId: input.ownerId ?? null,
      inactivitySeconds: input.inactivitySeconds ?? null,
      metadata: metadataToText(input.metadata ?? {}),
      secretHash: hashSecret(password),
    },
    credentials: { username: deviceUid, password },
  };
}
