import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import type { DownlinkDelivery, DownlinkOutcome } from './downlink.port.ts';
import { downlinkRetainedContract } from './downlink.retained.contract.ts';
import { createRig, eventually, type MqttHarness, type MqttRig, packets, type RawClient } from './mqtt.harness.ts';

const COMMAND = 'devices/alpha/command';
const SUBACK = '9003000101';

/** What every adapter of `MqttDownlink` keeps. Run by each adapter's own test file. */
export function downlinkContract(harness: MqttHarness): void {
  describe(`${harness.name}: downlink`, () => {
    deliveryContract(harness);
    connectionContract(harness);
    downlinkRetainedContract(harness);
  });
}

function useRig(harness: MqttHarness): () => MqttRig {
  let rig: MqttRig;
  beforeEach(async () => {
    rig = await createRig(harness);
  });
  afterEach(() => rig.close());
  return () => rig;
}

const send = (rig: MqttRig, payload: string, expiresAt?: number) =>
  rig.downlink.publish({
    deviceUid: 'alpha',
    channel: 'command',
    payload,
    ...defined({ expiresAt }),
  });

const outcomesOf = (deliveries: readonly DownlinkDelivery[]): Promise<readonly DownlinkOutcome[]> =>
  Promise.all(deliveries.map(({ outcome }) => outcome));

/** A device that subscribes to its commands and acknowledges when the test says so. */
async function reluctant(rig: MqttRig): Promise<RawClient> {
  const client = await (await rig.raw()).logIn();
  await client.send(packets.subscribe(COMMAND)).got(SUBACK);
  await rig.wasTold('subscribed alpha command');
  return client;
}

/** Packet ids of the PUBLISHes with QoS 1 that came, also of those that came again. */
const idsOf = (client: RawClient) =>
  client.received
    .filter((hex) => /^3[2a]/.test(hex))
    .map((hex) => Buffer.from(hex, 'hex').readUInt16BE(4 + COMMAND.length));

function deliveryContract(harness: MqttHarness): void {
  describe('publish', () => {
    const rig = useRig(harness);

    test('nobody connected, or nobody subscribed: nothing is sent, and that is the answer', async () => {
      expect(await send(rig(), 'x')).toEqual([]);
      const device = await rig().device('alpha');
      await device.subscribeAsync('devices/alpha/ota', { qos: 1 });
      await rig().wasTold('subscribed alpha ota');
      expect(await send(rig(), 'x')).toEqual([]);
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await device.unsubscribeAsync(COMMAND);
      await eventually(() => expect(rig().downlink.connections('alpha').connections[0]?.channels).toEqual(['ota']));
      expect(await send(rig(), 'x')).toEqual([]);
      expect(device.received).toEqual([]);
    });

    test('a connection that is subscribed gets it, and its outcome is told', async () => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await rig().wasTold('subscribed alpha command');
      const deliveries = await send(rig(), '{"command_id":"1","päyload":true}');
      const [connection] = rig().downlink.connections('alpha').connections;
      expect(deliveries.map(({ connectionId }) => connectionId)).toEqual([connection?.connectionId]);
      await eventually(() => expect(device.received).toHaveLength(1));
      expect(device.received[0]).toEqual({
        topic: COMMAND,
        payload: '{"command_id":"1","päyload":true}',
        retain: false,
      });
      const { reportsDelivery } = rig().downlink.capabilities;
      expect(await outcomesOf(deliveries)).toEqual([reportsDelivery ? 'delivered' : 'unconfirmed']);
    });

    test('messages come in the order in which they were published', async () => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await rig().wasTold('subscribed alpha command');
      const payloads = Array.from({ length: 80 }, (_, number) => `${number}`.padStart(1 + number * 5, ' '));
      await Promise.all(payloads.map((payload) => send(rig(), payload)));
      await eventually(() => expect(device.received.map(({ payload }) => payload)).toEqual(payloads));
    });

    test('subscribed with QoS 0: it comes, and that is all that is known', async () => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(COMMAND, { qos: 0 });
      await rig().wasTold('subscribed alpha command');
      expect(await outcomesOf(await send(rig(), 'x'))).toEqual(['unconfirmed']);
      await eventually(() => expect(device.received).toHaveLength(1));
    });

    test('a message is for one device', async () => {
      const [alpha, beta] = [await rig().device('alpha'), await rig().device('beta')];
      for (const device of [alpha, beta]) {
        await device.subscribeAsync(`devices/${device.options.username}/command`, { qos: 1 });
      }
      await rig().wasTold('subscribed beta command');
      await rig().wasTold('subscribed alpha command');
      await send(rig(), 'for alpha');
      await rig().downlink.publish({ deviceUid: 'beta', channel: 'command', payload: 'for beta' });
      await eventually(() => expect([alpha.received.length, beta.received.length]).toEqual([1, 1]));
      expect(beta.received[0]?.payload).toBe('for beta');
    });

    test('what devices publish reaches no device, and is not retained', async () => {
      const [alpha, beta] = [await rig().device('alpha'), await rig().device('beta')];
      await beta.subscribeAsync('devices/beta/command', { qos: 1 });
      await alpha.subscribeAsync(COMMAND, { qos: 1 });
      for (const topic of [COMMAND, 'devices/beta/command', 'devices/alpha/telemetry']) {
        await alpha.publishAsync(topic, 'forged', { qos: 1, retain: true });
      }
      const again = await rig().device('alpha');
      await again.subscribeAsync(COMMAND, { qos: 1 });
      await again.publishAsync('devices/alpha/log', 'x', { qos: 1 });
      expect([alpha.received, beta.received, again.received]).toEqual([[], [], []]);
    });

    test('a message that has expired is not sent', async () => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await rig().wasTold('subscribed alpha command');
      expect(await outcomesOf(await send(rig(), 'too late', Date.now() - 1))).toEqual(['expired']);
      await send(rig(), 'in time', Date.now() + 60_000);
      await eventually(() => expect(device.received.map(({ payload }) => payload)).toEqual(['in time']));
    });

    test('nothing is kept for a session whose device is away, and it is told when it listens again', async () => {
      const options = { clean: false } as const;
      const device = await rig().device('alpha', options);
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await device.endAsync();
      await rig().wasTold('disconnected alpha');
      expect(await send(rig(), 'while it was away')).toEqual([]);
      const back = await rig().device('alpha', { ...options, resubscribe: false });
      await rig().wasTold('subscribed alpha command', 2);
      await send(rig(), 'now');
      await eventually(() => expect(back.received.map(({ payload }) => payload)).toEqual(['now']));
    });
  });

  describe('PUBACK', () => {
    const rig = useRig(harness);
    const told = () => rig().downlink.capabilities.reportsDelivery;
    const repeats = () => rig().downlink.capabilities.mayRepeat;

    test('where it is told, it decides: delivered with it, gone when the connection ends before', async () => {
      const client = await reluctant(rig());
      const [first] = await send(rig(), '1');
      const [second] = await send(rig(), '2');
      await eventually(() => expect(idsOf(client)).toHaveLength(2));
      const [, id = 0] = idsOf(client);
      client.send(packets.puback(id));
      expect(await second?.outcome).toBe(told() ? 'delivered' : 'unconfirmed');
      client.send(packets.puback(id), packets.puback(9_999));
      await client.roundTrip();
      client.socket.destroy();
      expect(await first?.outcome).toBe(told() ? 'gone' : 'unconfirmed');
    });

    test('what was not acknowledged is not sent again by a broker that does not repeat', async () => {
      const client = await rig().raw();
      await client.send(packets.connect({ clean: false })).got('20020000');
      await client.send(packets.subscribe(COMMAND)).got(SUBACK);
      await rig().wasTold('subscribed alpha command');
      await send(rig(), 'once');
      await eventually(() => expect(idsOf(client)).toHaveLength(1));
      client.socket.destroy();
      await rig().wasTold('disconnected alpha');
      const back = await rig().raw();
      await back.send(packets.connect({ clean: false })).got('20020100');
      await rig().wasTold('subscribed alpha command', 2);
      await send(rig(), 'again');
      await eventually(() => expect(idsOf(back)).toHaveLength(repeats() ? 2 : 1));
    });

    test('a device that acknowledges nothing has a bounded number of messages, and the rest when it does', async () => {
      const { queueLimit } = rig().downlink.capabilities;
      if (queueLimit === null) return;
      const client = await reluctant(rig());
      const sent: DownlinkDelivery[] = [];
      for (let number = 0; number < queueLimit.messages + 5; number++) sent.push(...(await send(rig(), `${number}`)));
      expect(await outcomesOf(sent.slice(queueLimit.messages))).toEqual(Array.from({ length: 5 }, () => 'full'));
      let acknowledged = 0;
      await eventually(() => {
        for (const id of idsOf(client).slice(acknowledged)) {
          client.send(packets.puback(id));
          acknowledged++;
        }
        expect(acknowledged).toBe(queueLimit.messages);
      });
      const accepted = await outcomesOf(sent.slice(0, queueLimit.messages));
      expect(new Set(accepted)).toEqual(new Set(['delivered']));
      const [fits] = await send(rig(), 'fits again');
      await eventually(() => expect(idsOf(client)).toHaveLength(queueLimit.messages + 1));
      client.send(packets.puback(idsOf(client).at(-1) ?? 0));
      expect(await fits?.outcome).toBe('delivered');
    });

    test('a device that does not read its socket holds a bounded number of bytes, and holds up nobody', async () => {
      const { queueLimit } = rig().downlink.capabilities;
      if (queueLimit === null) return;
      const client = await reluctant(rig());
      client.socket.pause();
      const payload = 'x'.repeat(60_000);
      const fit = Math.floor(queueLimit.bytes / (payload.length + COMMAND.length));
      const sent: DownlinkDelivery[] = [];
      for (let number = 0; number < fit + 3; number++) sent.push(...(await send(rig(), payload)));
      expect(await outcomesOf(sent.slice(fit))).toEqual(['full', 'full', 'full']);
      const beta = await rig().device('beta');
      await beta.subscribeAsync('devices/beta/command', { qos: 1 });
      const other = await rig().downlink.publish({ deviceUid: 'beta', channel: 'command', payload: 'y' });
      expect(await outcomesOf(other)).toEqual(['delivered']);
      client.socket.destroy();
      expect(new Set(await outcomesOf(sent.slice(0, fit)))).toEqual(new Set(['gone']));
    });

    test('what expires while it waits is not sent', async () => {
      const { queueLimit } = rig().downlink.capabilities;
      if (queueLimit === null) return;
      const client = await reluctant(rig());
      const before: DownlinkDelivery[] = [];
      for (let number = 0; number < 16; number++) before.push(...(await send(rig(), `${number}`)));
      await eventually(() => expect(idsOf(client)).toHaveLength(16));
      const expiresAt = Date.now() + 20;
      const waiting = [...(await send(rig(), 'expires', expiresAt)), ...(await send(rig(), 'stays'))];
      await eventually(() => expect(Date.now()).toBeGreaterThan(expiresAt));
      client.send(packets.puback(idsOf(client)[0] ?? 0));
      expect(await waiting[0]?.outcome).toBe('expired');
      await eventually(() => expect(idsOf(client)).toHaveLength(17));
      client.send(packets.puback(idsOf(client).at(-1) ?? 0));
      expect(await waiting[1]?.outcome).toBe('delivered');
    });
  });
}

function connectionContract(harness: MqttHarness): void {
  describe('connections', () => {
    const rig = useRig(harness);
    const { severalConnections } = harness.capabilities;

    test('who is connected and subscribed is told in order, and can be asked', async () => {
      const before = Date.now();
      const device = await rig().device('alpha');
      await rig().wasTold('connected alpha');
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await rig().wasTold('subscribed alpha command');
      const { isComplete, connections } = rig().downlink.connections('alpha');
      expect(isComplete).toBe(true);
      const connectionId = connections[0]?.connectionId ?? '';
      expect(connections).toEqual([
        {
          connectionId: expect.any(String),
          device: { deviceId: 5, deviceUid: 'alpha' },
          protocol: '3.1.1',
          transport: connections[0]?.transport === null ? null : 'tcp',
          ipAddress: '127.0.0.1',
          connectedAt: expect.any(Number),
          channels: ['command'],
        },
      ]);
      expect(connections[0]?.connectedAt).toBeGreaterThanOrEqual(before);
      await device.endAsync();
      await rig().wasTold('disconnected alpha');
      expect(rig().downlink.connections('alpha')).toEqual({ isComplete: true, connections: [] });
      expect(rig().toldInShort).toEqual(['connected alpha', 'subscribed alpha command', 'disconnected alpha']);
      const ids = { device_id: 5, device_uid: 'alpha', connection_id: connectionId };
      for (const { data } of rig().told) expect(data).toMatchObject(ids);
      expect(rig().told[0]?.data).toMatchObject({ protocol: '3.1.1', ip_address: '127.0.0.1' });
    });

    test('a connection that takes over a client id is another one', async () => {
      const old = await reluctant(rig());
      const [delivery] = await send(rig(), 'to the old one');
      await (await rig().raw()).logIn();
      await old.ended();
      await rig().wasTold('connected alpha', 2);
      const short = ['connected alpha', 'subscribed alpha command', 'disconnected alpha', 'connected alpha'];
      expect(rig().toldInShort).toEqual(short);
      const ids = rig().told.map(({ data }) => data.connection_id);
      expect([new Set(ids.slice(0, 3)).size, ids[3] === ids[0]]).toEqual([1, false]);
      const { reportsDelivery } = rig().downlink.capabilities;
      expect(await delivery?.outcome).toBe(reportsDelivery ? 'gone' : 'unconfirmed');
      expect(await send(rig(), 'to nobody')).toEqual([]);
    });

    if (severalConnections)
      test('each of several connections gets it, and has an outcome of its own', async () => {
        const ready = await rig().device('alpha', { clientId: 'ready' });
        await ready.subscribeAsync(COMMAND, { qos: 1 });
        const slow = await (await rig().raw()).logIn({ clientId: 'slow' });
        await slow.send(packets.subscribe(COMMAND)).got(SUBACK);
        const deliveries = await send(rig(), 'x');
        expect(deliveries).toHaveLength(2);
        expect(await deliveries[0]?.outcome).toBe('delivered');
        slow.socket.destroy();
        expect(await deliveries[1]?.outcome).toBe('gone');
        await rig().wasTold('disconnected alpha');
        expect(rig().downlink.connections('alpha').connections).toHaveLength(1);
      });

    test('disconnect ends the connections of a device, which may come back', async () => {
      const client = await reluctant(rig());
      await rig().downlink.disconnect('alpha');
      await client.ended();
      await rig().wasTold('disconnected alpha');
      await rig().downlink.disconnect('alpha');
      await rig().device('alpha');
      await rig().wasTold('connected alpha', 2);
    });

    test('after a restart of the server a device that connects is known', async () => {
      await rig().restartServer();
      const device = await rig().device('alpha');
      await device.subscribeAsync(COMMAND, { qos: 1 });
      await rig().wasTold('subscribed alpha command');
      await send(rig(), 'x');
      await eventually(() => expect(device.received).toHaveLength(1));
    });

    test('refusals are kept, where they are told', async () => {
      const { reportsRefusals } = rig().downlink.capabilities;
      await expect(rig().device('alpha', { password: 'wrong' })).rejects.toThrow();
      const client = await (await rig().raw()).logIn();
      await client.send(packets.subscribe('devices/beta/command')).got('9003000180');
      const reasons = rig()
        .downlink.refusals('alpha')
        .map(({ reason }) => reason);
      expect(reasons).toEqual(reportsRefusals ? ['topic', 'wrong_credentials'] : []);
      for (let login = 0; login < 12; login++) {
        await expect(rig().device('alpha', { password: 'wrong' })).rejects.toThrow();
      }
      expect(rig().downlink.refusals('alpha')).toHaveLength(reportsRefusals ? 10 : 0);
      expect(rig().downlink.refusals('beta')).toEqual([]);
    });
  });
}
