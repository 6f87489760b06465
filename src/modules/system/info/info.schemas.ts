import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import type { BrokerAddresses } from '#platform/mqtt/mqtt.port.ts';
import type { SystemInfo } from './info.ports.ts';

export const HealthView = Strict('Health', {
  status: Type.Literal('ok', { description: 'It answers', examples: ['ok'] }),
});

const port = (way: string, example: number) =>
  Nullable(Type.Integer({ description: `Port of MQTT ${way}; null: not offered, or not known`, examples: [example] }));

export const ConnectionView = Strict('ConnectionAddresses', {
  mqtt: Strict(
    'MqttAddresses',
    {
      host: Type.String({
        description: 'Name or address, an IPv6 address without brackets',
        examples: ['iot.example.com'],
      }),
      port: port('over TCP', 1883),
      tls_port: port('over TLS', 8883),
      websocket_port: port('over WebSocket: any path, subprotocol `mqtt`', 9001),
      tls_needs_certificate: Type.Boolean({
        description: 'Whether the TLS port takes none but devices with a client certificate',
        examples: [false],
      }),
    },
    { description: 'The broker, as devices reach it' },
  ),
});

export function presentConnection(broker: BrokerAddresses): Static<typeof ConnectionView> {
  return {
    mqtt: {
      host: broker.host,
      port: broker.port,
      tls_port: broker.tlsPort,
      websocket_port: broker.webSocketPort,
      tls_needs_certificate: broker.tlsNeedsCertificate,
    },
  };
}

export const InfoView = Strict('SystemInfo', {
  version: Type.String({ description: 'Version of core-api', examples: ['0.1.0'] }),
  runtime: Strict(
    'Runtime',
    {
      node: Type.String({ description: 'Version of Node', examples: ['26.0.0'] }),
      platform: Type.String({ description: 'Operating system', examples: ['linux'] }),
      arch: Type.String({ description: 'Processor', examples: ['x64'] }),
    },
    { description: 'What it runs on' },
  ),
  instance_id: Type.String({ description: 'Name of this process among the replicas', examples: ['core-api-1'] }),
  roles: Type.Array(Type.String({ examples: ['api'] }), { description: 'What this process does' }),
  started_at: Instant,
  uptime_seconds: Type.Integer({ description: 'Since this process was started', examples: [86400] }),
  memory_bytes: Type.Integer({ description: 'Resident memory of this process', examples: [120000000] }),
  storage: Strict(
    'Storage',
    {
      data_bytes: Type.Integer({
        description: 'Of the files in DATA_DIR; what MariaDB, MongoDB and Redis hold is not among them',
        examples: [48_000_000],
      }),
      free_bytes: Type.Integer({ description: 'Free on the disk of DATA_DIR', examples: [210_000_000_000] }),
      disk_bytes: Type.Integer({ description: 'Size of that disk', examples: [512_000_000_000] }),
    },
    { description: 'The data folder and its disk' },
  ),
  adapters: Type.Record(Type.String(), Type.String(), {
    description: 'Part of the system → what it runs on here',
    examples: [{ relational: 'SQLite', broker: 'Aedes' }],
  }),
  counts: Type.Record(Type.String(), Type.Integer(), {
    description: 'How many records there are',
    examples: [{ users: 12, devices: 340 }],
  }),
});

export function presentInfo(info: SystemInfo): Static<typeof InfoView> {
  return {
    version: info.version,
    runtime: info.runtime,
    instance_id: info.instanceId,
    roles: [...info.roles],
    started_at: toIso(info.startedAt),
    uptime_seconds: Math.floor(info.uptimeMs / 1000),
    memory_bytes: info.memoryBytes,
    storage: {
      data_bytes: info.storage.dataBytes,
      free_bytes: info.storage.freeBytes,
      disk_bytes: info.storage.diskBytes,
    },
    adapters: info.adapters,
    counts: info.counts,
  };
}
