import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRig, eventually, type MqttHarness, type MqttRig } from './mqtt.harness.ts';

const CONFIG = 'devices/alpha/config';

/** The part of the contract about what is retained. */
export function downlinkRetainedContract(harness: MqttHarness): void {
  describe('retained', () => {
    let rig: MqttRig;
    beforeEach(async () => {
      rig = await createRig(harness);
    });
    afterEach(() => rig.close());

    async function retain(payload: string): Promise<void> {
      rig.retained.set('alpha', payload);
      await rig.downlink.retain('alpha', 'config', payload);
    }

    async function subscriber(clean = true) {
      const device = await rig.device('alpha', { clean });
      await device.subscribeAsync(CONFIG, { qos: 1 });
      return device;
    }

    const payloadsOf = (device: { readonly received: readonly { readonly payload: string }[] }) =>
      device.received.map(({ payload }) => payload);

    /** Resolves when everything sent to it before has come. */
    async function settled(device: Awaited<ReturnType<typeof subscriber>>): Promise<void> {
      await device.publishAsync('devices/alpha/log', 'x', { qos: 1 });
    }

    test('every new subscription gets the newest', async () => {
      await retain('1');
      await retain('2');
      const device = await subscriber();
      await eventually(() => expect(device.received).toEqual([{ topic: CONFIG, payload: '2', retain: true }]));
      await device.subscribeAsync(CONFIG, { qos: 1 });
      await eventually(() => expect(payloadsOf(device)).toEqual(['2', '2']));
    });

    test('who is subscribed gets a change at once', async () => {
      const device = await subscriber();
      await rig.wasTold('subscribed alpha config');
      await retain('1');
      await eventually(() => expect(device.received).toEqual([{ topic: CONFIG, payload: '1', retain: false }]));
    });

    test('what was cleared is sent to nobody', async () => {
      await retain('1');
      rig.retained.delete('alpha');
      await rig.downlink.clearRetained('alpha', 'config');
      const device = await subscriber();
      await settled(device);
      expect(device.received).toEqual([]);
    });

    test('a session that comes back has what changed while it was away', async () => {
      await retain('1');
      const device = await subscriber(false);
      await eventually(() => expect(payloadsOf(device)).toEqual(['1']));
      await device.endAsync();
      await rig.wasTold('disconnected alpha');
      await retain('2');
      const back = await rig.device('alpha', { clean: false, resubscribe: false });
      await eventually(() => expect(payloadsOf(back)).toEqual(['2']));
    });

    test('after a restart of the broker that lost it, it is there', async () => {
      await retain('1');
      await rig.restartBroker();
      const device = await eventuallyConnected(subscriber);
      await eventually(() => expect(payloadsOf(device)).toEqual(['1']));
    });

    test('after a restart of the server it is there, with what changed meanwhile', async () => {
      await retain('1');
      rig.retained.set('alpha', '2');
      await rig.restartServer();
      const device = await subscriber();
      await eventually(() => expect(payloadsOf(device).at(-1)).toBe('2'));
    });

    test('what no source has any more is gone after a restart of the server', async () => {
      await retain('1');
      rig.retained.delete('alpha');
      await rig.restartServer();
      await eventually(async () => {
        const device = await subscriber();
        await settled(device);
        const came = device.received.length;
        await device.endAsync();
        expect(came).toBe(0);
      });
    });

    test('a device that was deleted leaves nothing to the next one of its name', async () => {
      await retain('1');
      rig.retained.delete('alpha');
      await rig.broker.disconnect('alpha', { forget: true });
      const device = await subscriber();
      await settled(device);
      expect(device.received).toEqual([]);
    });
  });
}

/** The broker may have just begun to listen. */
async function eventuallyConnected<T>(connect: () => Promise<T>): Promise<T> {
  let connected: T | undefined;
  await eventually(async () => {
    connected = await connect();
  });
  return connected as T;
}
