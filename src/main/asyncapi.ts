import { AlertView } from '#modules/monitoring/index.ts';
import { NotificationView } from '#modules/notifications/index.ts';
import {
  LogPayload,
  MonitoringWatchCommand,
  REJECT_REASONS,
  ResponsePayload,
  StatusPayload,
  TelemetryPayload,
} from '#modules/telemetry/index.ts';
import type { HttpRoutes } from '#platform/http/http.port.ts';

/** AsyncAPI 3.0 of everything that is not HTTP: MQTT and Socket.IO. https://www.asyncapi.com/docs/reference/specification/v3.0.0 */
export function createAsyncApiDocument(version: string): object {
  const uid = { device_uid: { description: 'The device’s uid, which is also its MQTT user name' } };
  const channel = (address: string, name: string, payload: object, description: string) => ({
    address,
    description,
    ...(address.includes('{device_uid}') ? { parameters: uid } : {}),
    messages: { [name]: { name, contentType: 'application/json', payload } },
  });
  const instant = { type: 'string', format: 'date-time' };
  const deviceUid = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' };
  const channels = {
    telemetry: channel(
      'devices/{device_uid}/telemetry',
      'telemetry',
      TelemetryPayload,
      'Measurements. QoS 1: PUBACK after the commit.',
    ),
    status: channel('devices/{device_uid}/status', 'status', StatusPayload, 'Status; also meant as the Last Will.'),
    log: channel('devices/{device_uid}/log', 'log', LogPayload, 'Events of the device, kept for 90 days.'),
    response: channel('devices/{device_uid}/response', 'response', ResponsePayload, 'Answer to a command.'),
    watch: channel(
      '/monitoring',
      'subscribe',
      MonitoringWatchCommand,
      'Socket.IO: `subscribe` and `unsubscribe`, acknowledged `{ok}`.',
    ),
    liveTelemetry: channel(
      '/monitoring',
      'telemetry',
      {
        type: 'object',
        required: ['device_uid', 'timestamp', 'metrics'],
        properties: { device_uid: deviceUid, timestamp: instant, metrics: { type: 'object' } },
      },
      'Socket.IO: a sample that was stored. A storm is thinned: the newest value of each metric wins.',
    ),
    liveStatus: channel(
      '/monitoring',
      'device_status',
      {
        type: 'object',
        required: ['device_uid', 'status', 'last_seen_at'],
        properties: {
          device_uid: deviceUid,
          status: { type: 'string' },
          last_seen_at: { anyOf: [instant, { type: 'null' }] },
        },
      },
      'Socket.IO: a transition of a device’s status.',
    ),
    liveAlert: channel(
      '/monitoring',
      'alert',
      AlertView,
      'Socket.IO: an alert that was raised, cleared or acknowledged, as it is now.',
    ),
    notification: channel(
      '/notification',
      'notification',
      NotificationView,
      'Socket.IO: something that the connected user is told. There is nothing to subscribe to; what came while nobody was connected is in `GET /api/v1/notifications`.',
    ),
  };
  const operation = (action: 'send' | 'receive', name: keyof typeof channels) => ({
    action,
    channel: { $ref: `#/channels/${name}` },
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'core-api: MQTT and Socket.IO',
      version,
      description: [
        'What the server receives and sends beside HTTP. An acknowledgement means stored.',
        '',
        'A message that is not accepted is acknowledged, counted in the device’s ledger and changes nothing else. Reasons:',
        ...Object.entries(REJECT_REASONS).map(([reason, meaning]) => `- \`${reason}\`: ${meaning}`),
      ].join('\n'),
    },
    servers: {
      mqtt: {
        host: 'localhost:1883',
        protocol: 'mqtt',
        protocolVersion: '3.1.1',
        description: 'User name: device_uid, password: its secret',
        security: [{ type: 'userPassword' }],
      },
      socketio: {
        host: 'localhost:8000',
        protocol: 'ws',
        description: 'Socket.IO 4; handshake `auth: {token: <access token>}`',
      },
    },
    channels,
    operations: {
      receiveTelemetry: operation('receive', 'telemetry'),
      receiveStatus: operation('receive', 'status'),
      receiveLog: operation('receive', 'log'),
      receiveResponse: operation('receive', 'response'),
      receiveWatch: operation('receive', 'watch'),
      sendTelemetry: operation('send', 'liveTelemetry'),
      sendStatus: operation('send', 'liveStatus'),
      sendAlert: operation('send', 'liveAlert'),
      sendNotification: operation('send', 'notification'),
    },
  };
}

/** `GET /asyncapi.json` */
export function createApiDocumentRoutes(version: string): HttpRoutes {
  return (app) => {
    app.get(
      '/asyncapi.json',
      { config: { access: 'public', rateLimitExempt: true, operations: true }, schema: { hide: true } },
      async () => createAsyncApiDocument(version),
    );
  };
}
