import { createId, createSecret, hashSecret } from '#kernel/ids.ts';
import type { DeviceSettings } from './devices.fields.ts';
import { metadataToText } from './devices.metadata.ts';
import type { DeviceCredentials, NewDevice } from './devices.ports.ts';

/** What people say of a new device; what they leave out is null, or generated. */
export interface DeviceInput
  extends Pick<DeviceSettings, 'name' | 'deviceType'>,
    Partial<Omit<DeviceSettings, 'name' | 'deviceType' | 'metadata'>> {
  readonly deviceUid?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const NOTHING_SAID = {
  ...{ groupId: null, ownerId: null, inactivitySeconds: null, timezone: null },
} satisfies Partial<DeviceSettings>;

/**
 * A new device as it will be stored, and the credentials that only its creator gets to see.
 * @throws AppError `device_metadata_invalid`
 */
export function prepareDevice(
  input: DeviceInput,
  password = createSecret(),
): {
  readonly row: NewDevice;
  readonly credentials: DeviceCredentials;
} {
  const deviceUid = input.deviceUid ?? newDeviceUid();
  return {
    row: {
      ...NOTHING_SAID,
      ...input,
      deviceUid,
      metadata: metadataToText(input.metadata ?? {}),
      secretHash: hashSecret(password),
    },
    credentials: { username: deviceUid, password },
  };
}

/** For a device that names none. */
export function newDeviceUid(): string {
  return `dev-${createId().replaceAll('-', '').slice(-16)}`;
}
