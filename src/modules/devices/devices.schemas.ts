import { type Static, Type } from 'typebox';
import { defined } from '#kernel/defined.ts';
import { renameBack } from '#kernel/fields.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { DEVICE_UID } from '#platform/mqtt/mqtt.port.ts';
import { SETTING_NAMES } from './devices.fields.ts';
import type { DeviceChanges } from './devices.ports.ts';
import {
  DEFAULT_INACTIVITY_SECONDS,
  DEVICE_SORT_FIELDS,
  DEVICE_STATUSES,
  type DeviceFilter,
  type DeviceStatus,
} from './devices.ports.ts';
import type { DeviceInput } from './devices.registration.ts';

/** Also the `{uid}` of the MQTT topics. */

/** Something visible and no control characters, which would come out again in files and terminals. */
const PRINTABLE = '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$';
const PRINTABLE_IN_WORDS = 'text with something visible in it, in one line and without control characters';

const DeviceUid = Type.String({
  pattern: DEVICE_UID.source,
  'x-accepts': '1 to 64 letters, digits, `_` and `-`, a letter or digit first',
  description: 'Name of the device in MQTT topics and its login; generated when left out',
  examples: ['greenhouse-07'],
});

const status = Type.Unsafe<DeviceStatus>({
  title: 'DeviceStatus',
  type: 'string',
  enum: [...DEVICE_STATUSES],
  description: 'What the device last was',
  examples: ['ONLINE'],
});
const name = Type.String({
  maxLength: 100,
  pattern: PRINTABLE,
  'x-accepts': PRINTABLE_IN_WORDS,
  description: 'Name for people',
  examples: ['Greenhouse 7, north'],
});
const deviceType = Type.String({
  maxLength: 64,
  pattern: PRINTABLE,
  'x-accepts': PRINTABLE_IN_WORDS,
  description: 'Kind of device, any word of your own',
  examples: ['temperature-sensor'],
});
const groupId = { ...Id, description: 'Group that the device is in', examples: [3] };
const ownerId = { ...Id, description: 'User who owns the device', examples: [12] };
const inactivitySeconds = Type.Integer({
  minimum: 10,
  maximum: 31_536_000,
  description: `Seconds without a message by any channel after which the device counts as silent; null: ${DEFAULT_INACTIVITY_SECONDS}`,
  examples: [3_600],
});
const timezone = Type.String({
  format: 'time-zone',
  description: 'Time zone in which the device stands (IANA), for what is to happen by its own clock; null: not known',
  examples: ['Asia/Seoul'],
});
const metadataBody = Type.Record(Type.String(), Type.Unknown(), {
  description: 'JSON object of your own; 16 KiB and 8 levels at the most. A change replaces all of it.',
  examples: [{ floor: 2, room: 'B-204' }],
});
/** Without a `type`, because the compiled serialiser is at its fastest when it knows nothing about the value. */
const metadata = Type.Unsafe<Readonly<Record<string, unknown>>>({
  title: 'JSON object',
  description: 'JSON object of your own',
  examples: [{ floor: 2, room: 'B-204' }],
});

const deviceFields = {
  id: { ...Id, examples: [7] },
  device_uid: Type.String({
    description: 'Name of the device in MQTT topics and its login',
    examples: ['greenhouse-07'],
  }),
  name: Type.String({ description: 'Name for people', examples: ['Greenhouse 7, north'] }),
  device_type: Type.String({ description: 'Kind of device', examples: ['temperature-sensor'] }),
  status,
  firmware_version: Nullable(Type.String({ description: 'As the device reported it', examples: ['1.4.2'] })),
  ip_address: Nullable(
    Type.String({
      description: 'The address that it reported, otherwise that of its latest connection',
      examples: ['192.168.0.17'],
    }),
  ),
  group_id: Nullable(groupId),
  owner_id: Nullable(ownerId),
  last_seen_at: Nullable({ ...Instant, description: 'Latest contact; null: never' }),
  inactivity_seconds: Nullable(inactivitySeconds),
  timezone: Nullable(timezone),
  metadata,
  created_at: Instant,
  updated_at: Instant,
};

export const DeviceView = Strict('Device', deviceFields);
export type DeviceView = Static<typeof DeviceView>;
export const DevicePage = PageOf(DeviceView);
export type DevicePage = Static<typeof DevicePage>;

export const CredentialsView = Strict(
  'DeviceCredentials',
  {
    username: Type.String({ description: 'The device_uid', examples: ['greenhouse-07'] }),
    password: Type.String({
      description: 'The secret. Kept as a hash only: it cannot be shown again, only replaced.',
      examples: ['8rGm0cVJ0p1Yk4mC2v9dWq3s6u8xZ0aB1cD2eF3gH4I'],
    }),
  },
  { description: 'For MQTT and HTTP ingest; shown only here' },
);
export const CreatedDeviceView = Strict('CreatedDevice', { ...deviceFields, credentials: CredentialsView });
export const RotatedCredentialsView = Strict('RotatedCredentials', { credentials: CredentialsView });

export const DeviceParams = Strict({ device_id: { ...Id, description: 'Id of the device', examples: [7] } });

export const DeviceQuery = Strict({
  ...pageQuery,
  ...sortQuery(DEVICE_SORT_FIELDS),
  ...searchQuery,
  status: SeveralOf(status),
  device_type: SeveralOf(deviceType),
  group_id: SeveralOf(groupId),
  owner_id: SeveralOf(ownerId),
  in_sync: Type.Optional(
    Type.Boolean({ description: 'Whether it has applied the configuration that it is to have', examples: [false] }),
  ),
});

/** What people may leave out, of a new device too. */
const settings = {
  group_id: Type.Optional(Nullable(groupId)),
  owner_id: Type.Optional(Nullable(ownerId)),
  inactivity_seconds: Type.Optional(Nullable(inactivitySeconds)),
  timezone: Type.Optional(Nullable(timezone)),
  metadata: Type.Optional(metadataBody),
};

export const DeviceBody = Strict('NewDevice', {
  name,
  device_type: deviceType,
  device_uid: Type.Optional(DeviceUid),
  ...settings,
});
export type DeviceBody = Static<typeof DeviceBody>;

export const DevicePatch = Strict('DeviceChanges', {
  name: Type.Optional(name),
  device_type: Type.Optional(deviceType),
  ...settings,
  status: Type.Optional({
    ...status,
    description:
      'MAINTENANCE holds the device there whatever it does; any other value ends that, and the device shows the ' +
      'status that was measured meanwhile',
    examples: ['MAINTENANCE'],
  }),
});
export type DevicePatch = Static<typeof DevicePatch>;

export const SORT_HELP = `Sort by ${DEVICE_SORT_FIELDS.join(', ')}.`;

export function toFilter(query: Static<typeof DeviceQuery>): DeviceFilter {
  return defined({
    status: query.status,
    deviceType: query.device_type,
    groupId: query.group_id,
    ownerId: query.owner_id,
    configInSync: query.in_sync === undefined ? undefined : query.in_sync ? (1 as const) : (0 as const),
    q: query.q,
  });
}

export function toInput(body: DeviceBody): DeviceInput {
  return { ...toChanges(body), name: body.name, deviceType: body.device_type, ...uidOf(body) };
}

function uidOf({ device_uid }: DeviceBody) {
  return device_uid === undefined ? {} : { deviceUid: device_uid };
}

export function toChanges(body: DevicePatch): DeviceChanges {
  return renameBack<DeviceChanges, typeof CHANGED_NAMES>(body, CHANGED_NAMES);
}

const CHANGED_NAMES = { ...SETTING_NAMES, status: 'status' } as const;
