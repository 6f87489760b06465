import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import type { DeviceConnections } from './connections.ports.ts';

const ipAddress = Nullable(
  Type.String({ description: 'Where it comes from; null: not known', examples: ['192.0.2.17'] }),
);

export const DeviceConnectionView = Strict('DeviceConnection', {
  is_complete: Type.Boolean({
    description: 'False: there may be more, because the broker told another process or told it before this one started',
    examples: [true],
  }),
  sessions: Type.Array(
    Strict('DeviceSession', {
      connection_id: Type.String({
        description: 'Of this connection',
        examples: ['0b7c6c2e-5c1d-4c5e-9a55-0f6f3c3f5e11'],
      }),
      protocol: Type.String({ description: 'Version of MQTT', examples: ['3.1.1'] }),
      transport: Nullable(
        Type.String({ description: '`tcp`, `tls` or `websocket`; null: not known', examples: ['tls'] }),
      ),
      ip_address: ipAddress,
      connected_at: { ...Instant, description: 'Since when' },
      channels: Type.Array(
        Type.String({ description: 'Last level of a topic that it is subscribed to', examples: ['command'] }),
        { description: 'What the device is subscribed to', examples: [['command', 'config']] },
      ),
    }),
    { description: 'Connections that stand, the oldest first' },
  ),
  refusals: Nullable(
    Type.Array(
      Strict('DeviceRefusal', {
        at: { ...Instant, description: 'When' },
        reason: Type.String({ description: 'In the words of the broker', examples: ['wrong_credentials'] }),
        ip_address: ipAddress,
      }),
      {
        description:
          'Why connections and logins under this device_uid were refused or ended lately, newest first, 10 at the most; ' +
          'null: the broker does not tell. Kept in memory, in the process that was told',
      },
    ),
  ),
});

export function toView(found: DeviceConnections): Static<typeof DeviceConnectionView> {
  const { isComplete, connections, refusals, reportsRefusals } = found;
  return {
    is_complete: isComplete,
    sessions: connections.map((connection) => ({
      connection_id: connection.connectionId,
      protocol: connection.protocol,
      transport: connection.transport,
      ip_address: connection.ipAddress,
      connected_at: toIso(connection.connectedAt),
      channels: [...connection.channels],
    })),
    refusals: reportsRefusals
      ? refusals.map(({ at, reason, ipAddress }) => ({ at: toIso(at), reason, ip_address: ipAddress }))
      : null,
  };
}
