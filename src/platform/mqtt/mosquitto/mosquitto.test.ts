import mqtt from 'mqtt';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMemoryShares } from '#platform/shares/memory-shares.ts';
import { devicePortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { mqttContract } from '../mqtt.contract.ts';
import type { MqttHarness } from '../mqtt.harness.ts';
import { createMosquittoAccounts } from './accounts.ts';
import { createMosquittoControl } from './control.ts';
import { createMosquittoBroker } from './mosquitto.ts';
import { sessionsOf } from './partition.ts';
import { COUNT_TOPIC } from './session-count.ts';

/** `alpha` and `beta` belong to different ones. */
const SESSIONS = 3;

await describeWithServer('mosquitto', ({ url }) => mqttContract(harnessOf(url)));

function harnessOf(url: string): MqttHarness {
  const port = devicePortOf(url);
  return {
    name: 'Mosquitto',
    capabilities: {
      holdsAcknowledgements: false,
      asksAtLogin: false,
      reportsRefusals: false,
      severalConnections: false,
      endsSessionsOnStop: false,
      deviceQueue: null,
    },
    maxPayloadBytes: 64 * 1024,
    async create(handler) {
      const control = createMosquittoControl({ url, logger: silentLogger });
      await control.start?.(AbortSignal.timeout(5_000));
      const accounts = createMosquittoAccounts(control);
      for (const [uid, secret] of handler.secrets) {
        await dropSession(url, uid);
        await accounts.set(uid, secret, 'mark');
        await control.publish({ topic: `devices/${uid}/config`, payload: '', qos: 1, retain: true });
      }
      // What an earlier test left.
      for (const { clientId } of sessionsOf(SESSIONS)) await dropSession(url, clientId);
      const broker = createMosquittoBroker({
        control,
        handler,
        logger: silentLogger,
        shares: createMemoryShares({ clock: systemClock }),
        sessionCount: SESSIONS,
        deviceAddresses: [`mqtt://127.0.0.1:${port}`],
      });
      return {
        broker,
        port: () => port,
        async setSecret(uid, secret) {
          await accounts.set(uid, secret, 'mark');
        },
        async cleanUp() {
          for (const uid of handler.secrets.keys()) await accounts.remove(uid);
          // Another test may divide the devices otherwise.
          await control.publish({ topic: COUNT_TOPIC, payload: '', qos: 1, retain: true });
          await control.stop?.(AbortSignal.timeout(5_000));
        },
      };
    },
  };
}

async function dropSession(url: string, clientId: string): Promise<void> {
  const client = await mqtt.connectAsync(url.replace(/\?.*/, ''), { clientId, clean: true, reconnectPeriod: 0 });
  await client.endAsync();
}
