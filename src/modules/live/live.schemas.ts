import { type Static, Type } from 'typebox';
import { DEVICE_STATUSES } from '#modules/devices/index.ts';
import { Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import type { LiveCommand, LiveEvent } from '#platform/realtime/live-event.port.ts';

/** The namespace of those who watch devices. */
export const MONITORING = '/monitoring';

/** Room of everyone who watches all devices. */
export const ALL_DEVICES_ROOM = 'devices';
/** Room of everyone who watches what happens to all devices, but not what they measure. */
const ALL_CHANGES_ROOM = 'changes';

const DEVICE_ROOM = 'device:';

export function deviceRoom(deviceUid: string): string {
  return `${DEVICE_ROOM}${deviceUid}`;
}

/** The rooms of everything about a device but telemetry. */
export const changeRooms = (deviceUid: string): readonly string[] => [
  deviceRoom(deviceUid),
  ALL_DEVICES_ROOM,
  ALL_CHANGES_ROOM,
];

/** The uid of the device whose room it is, or null. */
export function deviceOfRoom(room: string): string | null {
  return room.startsWith(DEVICE_ROOM) ? room.slice(DEVICE_ROOM.length) : null;
}

const deviceUid = Type.String({ description: 'Uid of the device', examples: ['greenhouse-07'] });

const LiveTelemetry = Strict('LiveTelemetry', {
  device_uid: deviceUid,
  timestamp: Instant,
  metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()]), {
    description: 'Metric name → value',
    examples: [{ temperature: 21.4 }],
  }),
});

export const LIVE_TELEMETRY: LiveEvent<typeof LiveTelemetry> = {
  namespace: MONITORING,
  name: 'telemetry',
  payload: LiveTelemetry,
  description: 'A sample that was stored. A storm is thinned: the newest value of each metric wins.',
};

const LiveStatus = Strict('LiveStatus', {
  device_uid: deviceUid,
  status: Type.Enum([...DEVICE_STATUSES], { description: 'What it is now', examples: ['ONLINE'] }),
  last_seen_at: Nullable(Instant),
});

export const LIVE_STATUS: LiveEvent<typeof LiveStatus> = {
  namespace: MONITORING,
  name: 'device_status',
  payload: LiveStatus,
  description: 'A transition of a device’s status.',
};

const LiveCertificateEnding = Strict('LiveCertificateEnding', {
  device_uid: deviceUid,
  serial: Type.String({ description: 'Of the certificate', examples: ['4F1D7A0B9C3E4D2F'] }),
  not_after: Instant,
});

export const LIVE_CERTIFICATE_ENDING: LiveEvent<typeof LiveCertificateEnding> = {
  namespace: MONITORING,
  name: 'certificate_ending',
  payload: LiveCertificateEnding,
  description: 'The certificate of a device ends soon, and it uses no later one. Once for each certificate.',
};

export const WatchCommand = Type.Union([
  Strict({ device_uid: Type.String({ minLength: 1, maxLength: 64 }) }),
  Strict(
    {
      all: Type.Literal(true),
      telemetry: Type.Optional(
        Type.Boolean({ default: true, description: 'false: all events but `telemetry`, for lists and overviews' }),
      ),
    },
    { description: 'Every device; MANAGEMENT only' },
  ),
]);

/** What a `WatchCommand` looks like, for who has sent something else. */
export const WATCH_FORMS = '{device_uid: string}, {all: true} or {all: true, telemetry: false}';

export function roomOf(command: Static<typeof WatchCommand>): string {
  if ('device_uid' in command) return deviceRoom(command.device_uid);
  return command.telemetry === false ? ALL_CHANGES_ROOM : ALL_DEVICES_ROOM;
}

export const WATCH_COMMANDS: LiveCommand = {
  namespace: MONITORING,
  names: ['subscribe', 'unsubscribe'],
  payload: WatchCommand,
  description: 'Begins or ends watching one device, or all of them.',
};
