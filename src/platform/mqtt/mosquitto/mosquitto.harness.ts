import mqtt from 'mqtt';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMemoryLeases } from '#platform/leases/memory-leases.ts';
import type { MqttHarness } from '../mqtt.harness.ts';
import { DEVICE_CHANNELS } from '../mqtt.harness.ts';
import { createMosquittoAccounts } from './accounts.ts';
import { createMosquittoControl } from './control.ts';
import { createMosquittoDownlink } from './downlink.ts';
import { createMosquittoBroker } from './mosquitto.ts';
import { sessionsOf } from './partition.ts';
import { COUNT_TOPIC } from './session-count.ts';

/** `alpha` and `beta` belong to different ones. */
const SESSIONS = 3;

/** A Mosquitto as shipped, for the contract suites. */
export function mosquittoHarness(
  server: { readonly url: string; restart(): Promise<void> },
  devicePort: number,
): MqttHarness {
  const { url } = server;
  return {
    name: 'Mosquitto',
    capabilities: {
      holdsAcknowledgements: false,
      asksAtLogin: false,
      reportsRefusals: false,
      severalConnections: false,
      endsSessionsOnStop: false,
    },
    maxPayloadBytes: 64 * 1024,
    async create(handler, events, isRestart) {
      const runtime = { events, clock: systemClock, logger: silentLogger };
      const control = createMosquittoControl({ url, logger: silentLogger });
      await control.start?.(AbortSignal.timeout(5_000));
      const accounts = createMosquittoAccounts(control, DEVICE_CHANNELS);
      const config = (uid: string) => `devices/${uid}/config`;
      if (!isRestart) {
        for (const [uid, secret] of handler.secrets) {
          await dropSession(url, uid);
          await accounts.set(uid, secret, 'mark');
          await control.publish({ topic: config(uid), payload: '', qos: 1, retain: true });
        }
        // What an earlier test left.
        for (const { clientId } of sessionsOf(SESSIONS)) await dropSession(url, clientId);
      }
      const downlink = createMosquittoDownlink({ control, ...runtime });
      const broker = createMosquittoBroker({
        channels: DEVICE_CHANNELS,
        control,
        downlink,
        handler,
        logger: silentLogger,
        leases: createMemoryLeases({ clock: systemClock }),
        sessionCount: SESSIONS,
        deviceAddresses: [`mqtt://127.0.0.1:${devicePort}`],
        timing: { roundMs: 50 },
      });
      return {
        broker,
        downlink: downlink.port,
        port: () => devicePort,
        async setSecret(uid, secret) {
          await accounts.set(uid, secret, 'mark');
        },
        async restartBroker() {
          for (const uid of handler.secrets.keys()) {
            await control.publish({ topic: config(uid), payload: '', qos: 1, retain: true });
          }
          await server.restart();
        },
        leave: async () => void (await control.stop?.(AbortSignal.timeout(5_000))),
        async cleanUp() {
          for (const uid of handler.secrets.keys()) await accounts.remove(uid);
          // Another test may divide the devices otherwise.
          await control.publish({ topic: COUNT_TOPIC, payload: '', qos: 1, retain: true });
        },
      };
    },
  };
}

async function dropSession(url: string, clientId: string): Promise<void> {
  const client = await mqtt.connectAsync(url.replace(/\?.*/, ''), { clientId, clean: true, reconnectPeriod: 0 });
  await client.endAsync();
}
