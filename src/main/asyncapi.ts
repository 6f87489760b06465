import { ProvisionAnswer, ProvisionMessage } from '#modules/devices/index.ts';
import { rejectReasons, TELEMETRY, TelemetryPayload } from '#modules/ingest/index.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import type { HttpRoutes } from '#platform/http/http.port.ts';
import { PROVISION_REQUEST, PROVISION_RESPONSE } from '#platform/mqtt/mqtt.port.ts';
import type { LiveCommand, LiveEvent } from '#platform/realtime/live-event.port.ts';

const UID = { device_uid: { description: 'The device’s uid, which is also its MQTT user name' } };

interface Entry {
  readonly id: string;
  readonly action: 'send' | 'receive';
  readonly address: string;
  readonly messages: readonly string[];
  readonly payload: object;
  readonly description: string;
}

/** User name `claim`, password: the token. */
const PROVISIONING: readonly Entry[] = [
  {
    id: 'provision_request',
    action: 'receive',
    address: PROVISION_REQUEST,
    messages: ['provision_request'],
    payload: ProvisionMessage,
    description:
      'A device registers itself with the token of a claim; at the embedded broker. QoS 1: PUBACK after the commit.',
  },
  {
    id: 'provision_response',
    action: 'send',
    address: PROVISION_RESPONSE,
    messages: ['provision_response'],
    payload: ProvisionAnswer,
    description: 'The answer, on the connection of the request alone, which has to subscribe to it first.',
  },
];

/**
 * AsyncAPI 3.0 of everything that is not HTTP: MQTT and Socket.IO, made of what the modules declare.
 * https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function createAsyncApiDocument(
  version: string,
  channels: readonly Channel[],
  live: { readonly events: readonly LiveEvent[]; readonly commands: readonly LiveCommand[] },
): object {
  const entries: readonly Entry[] = [
    fromDevice(TELEMETRY, TelemetryPayload, 'Measurements. QoS 1: PUBACK after the commit.'),
    ...channels.map(({ name, payload, description }) => fromDevice(name, payload, description)),
    ...PROVISIONING,
    ...live.commands.map(({ namespace, names, payload, description }) => ({
      // Namespaces have commands of the same name.
      id: `${namespace.slice(1)}_${names.join('_or_')}`,
      action: 'receive' as const,
      address: namespace,
      messages: names,
      payload,
      description: `Socket.IO, acknowledged \`{ok}\`: ${description}`,
    })),
    ...live.events.map(({ namespace, name, payload, description }) => ({
      id: `live_${name}`,
      action: 'send' as const,
      address: namespace,
      messages: [name],
      payload,
      description: `Socket.IO: ${description}`,
    })),
  ];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'core-api: MQTT and Socket.IO',
      version,
      description: [
        'What the server receives and sends beside HTTP. An acknowledgement means stored.',
        '',
        'A message that is not accepted is acknowledged, counted in the device’s ledger and changes nothing else. Reasons:',
        ...Object.entries(rejectReasons(channels)).map(([reason, meaning]) => `- \`${reason}\`: ${meaning}`),
      ].join('\n'),
    },
    servers: {
      mqtt: {
        host: 'localhost:1883',
        protocol: 'mqtt',
        protocolVersion: '3.1.1',
        description: 'User name: device_uid, password: its secret; or `claim` and the token of a claim',
        security: [{ type: 'userPassword' }],
      },
      socketio: {
        host: 'localhost:8000',
        protocol: 'ws',
        description: 'Socket.IO 4; handshake `auth: {token: <access token>}`',
      },
    },
    channels: Object.fromEntries(entries.map((entry) => [entry.id, channelOf(entry)])),
    operations: Object.fromEntries(
      entries.map(({ id, action }) => [`${action}_${id}`, { action, channel: { $ref: `#/channels/${id}` } }]),
    ),
  };
}

function fromDevice(name: string, payload: object, description: string): Entry {
  return {
    id: name,
    action: 'receive',
    address: `devices/{device_uid}/${name}`,
    messages: [name],
    payload,
    description,
  };
}

function channelOf({ address, messages, payload, description }: Entry): object {
  return {
    address,
    description,
    ...(address.includes('{device_uid}') ? { parameters: UID } : {}),
    messages: Object.fromEntries(messages.map((name) => [name, { name, contentType: 'application/json', payload }])),
  };
}

/** `GET /asyncapi.json` */
export function createApiDocumentRoutes(asyncApi: object): HttpRoutes {
  return (app) => {
    app.get(
      '/asyncapi.json',
      { config: { access: 'public', rateLimitExempt: true, operations: true }, schema: { hide: true } },
      async () => asyncApi,
    );
  };
}
