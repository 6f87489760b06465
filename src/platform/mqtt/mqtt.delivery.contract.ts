import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRig, eventually, type MqttHarness, type MqttRig, packets } from './mqtt.harness.ts';

const topic = 'devices/alpha/telemetry';

/** The part of the contract about acknowledgements and back-pressure; for brokers that hold their PUBACKs for us. */
export function mqttAcknowledgementContract(harness: MqttHarness): void {
  describe('acknowledgement', () => {
    let rig: MqttRig;
    beforeEach(async () => {
      rig = await createRig(harness);
    });
    afterEach(() => rig.close());

    test('a PUBACK leaves only after the handler has acknowledged', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      client.send(packets.publish(topic, 'a'), packets.publish(topic, 'b', { messageId: 2 }));
      await client.roundTrip();
      expect(client.received).toEqual(['20020000', 'd000']);
      rig.handler.messages[1]?.acknowledge();
      await client.got('40020002');
      expect(client.received).not.toContain('40020001');
      rig.handler.messages[0]?.acknowledge();
      await client.got('40020001');
    });

    test('acknowledging twice sends one PUBACK', async () => {
      const client = await (await rig.raw()).logIn();
      client.send(packets.publish(topic, 'a'));
      await client.got('40020001');
      rig.handler.messages[0]?.acknowledge();
      await client.roundTrip();
      expect(client.received).toEqual(['20020000', '40020001', 'd000']);
    });

    test('acknowledging after the connection is gone is harmless', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      client.send(packets.publish(topic, 'a'), packets.publish(topic, 'b', { qos: 2 }));
      await client.roundTrip();
      client.socket.destroy();
      await rig.handler.saw('disconnected alpha');
      for (const message of rig.handler.messages) message.acknowledge();
    });

    test('QoS 2: PUBREC after the acknowledgement, sent again is not handed over again', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      const publish = packets.publish(topic, 'once', { qos: 2, messageId: 7 });
      const again = packets.publish(topic, 'once', { qos: 2, messageId: 7, dup: true });
      client.send(publish, again);
      await client.roundTrip();
      expect(client.received).toEqual(['20020000', 'd000']);
      rig.handler.messages[0]?.acknowledge();
      await client.got('50020007');
      await client.send(again).got('50020007', 2);
      expect(rig.handler.messages).toHaveLength(1);
      await client.send(packets.pubrel(7)).got('70020007');
      client.send(publish);
      await client.roundTrip();
      expect(rig.handler.messages).toHaveLength(2);
    });

    test('QoS 2: exactly once also over a new connection of the session', async () => {
      const options = { clean: false } as const;
      const first = await rig.device('alpha', options);
      rig.handler.hold = true;
      first.publish(topic, 'once', { qos: 2 });
      await rig.handler.saw('message alpha telemetry once');
      const messageId = first.getLastMessageId();
      first.stream.destroy();
      await rig.handler.saw('disconnected alpha');

      const client = await rig.raw();
      await client.send(packets.connect({ clientId: 'client-of-alpha', clean: false })).got('20020100');
      client.send(packets.publish(topic, 'once', { qos: 2, messageId, dup: true }));
      await client.roundTrip();
      expect(rig.handler.messages).toHaveLength(1);
      rig.handler.messages[0]?.acknowledge();
      await client.got(`5002${messageId.toString(16).padStart(4, '0')}`);
    });

    test('a handler that does not acknowledge is given no more than it can hold, and goes on later', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      const payload = Buffer.alloc(10_000);
      const total = 2_000;
      let drained = 0;
      for (let i = 1; i <= total; i++) {
        client.socket.write(packets.publish(topic, payload, { messageId: i }), () => drained++);
      }
      const settled = async () => {
        let before = -1;
        while (before !== drained + rig.handler.messages.length) {
          before = drained + rig.handler.messages.length;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      await settled();
      expect(rig.handler.messages.length).toBeGreaterThan(0);
      expect(rig.handler.messages.length).toBeLessThan(total / 4);
      // The network buffers of the system hold some more; then the client's socket stops draining.
      expect(drained).toBeLessThan(total);
      rig.handler.hold = false;
      for (const message of rig.handler.messages.slice()) message.acknowledge();
      await eventually(() => expect(rig.handler.messages).toHaveLength(total));
      await eventually(() => expect(client.received.filter((hex) => hex.startsWith('4002'))).toHaveLength(total));
    });

    test('one message at a time does not get past the limit either', async () => {
      const client = await (await rig.raw()).logIn();
      client.socket.setNoDelay(true);
      rig.handler.hold = true;
      for (let i = 1; i <= 1_500; i++) {
        client.socket.write(packets.publish(topic, 'x', { qos: 0 }));
        await new Promise(setImmediate);
      }
      await eventually(() => expect(rig.handler.messages.length).toBeGreaterThanOrEqual(1_000));
      expect(rig.handler.messages.length).toBe(1_000);
      rig.handler.hold = false;
      for (const message of rig.handler.messages.slice()) message.acknowledge();
      await eventually(() => expect(rig.handler.messages).toHaveLength(1_500));
    });

    test('one stalled device does not stall another', async () => {
      const stalled = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      const flood = Array.from({ length: 1_200 }, (_, i) => packets.publish(topic, 'x', { messageId: i + 1 }));
      stalled.send(...flood);
      await eventually(() => expect(rig.handler.messages).toHaveLength(1_000));
      rig.handler.hold = false;
      const beta = await rig.device('beta');
      await beta.publishAsync('devices/beta/telemetry', 'y', { qos: 1 });
    });

    test('what was sent before a connection was closed is still dealt with', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      const messages = Array.from({ length: 1_200 }, () => packets.publish(topic, 'x', { qos: 0 }));
      client.send(...messages);
      client.socket.end();
      await eventually(() => expect(rig.handler.messages).toHaveLength(1_000));
      rig.handler.hold = false;
      for (const message of rig.handler.messages.slice()) message.acknowledge();
      await rig.handler.saw('disconnected alpha');
      expect(rig.handler.messages).toHaveLength(1_200);
    });

    test('stop waits for what is in flight, and its acknowledgement still leaves', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      client.send(packets.publish(topic, 'a'));
      await rig.handler.saw('message alpha telemetry a');
      const stopped = rig.broker.stop?.(AbortSignal.timeout(5_000));
      await expect(rig.raw()).rejects.toThrow();
      rig.handler.messages[0]?.acknowledge();
      await stopped;
      await client.got('40020001');
      await client.ended();
    });

    test('stop does not wait longer than its deadline', async () => {
      const client = await (await rig.raw()).logIn();
      rig.handler.hold = true;
      client.send(packets.publish(topic, 'a'));
      await rig.handler.saw('message alpha telemetry a');
      await rig.broker.stop?.(AbortSignal.timeout(50));
      await client.ended();
    });
  });
}
