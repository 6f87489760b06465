import mqtt from 'mqtt';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import { silentLogger } from '#kernel/logger.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { InFlight } from '../in-flight.ts';
import { eventually } from '../mqtt.harness.ts';
import { parseAddress } from './address.ts';
import { createMosquittoControl } from './control.ts';
import { createReceiver, type Receiver } from './receiver.ts';

const TOPIC = 'core-api/receiver-test';
const KEEP_ALIVE_SECONDS = 1;
const MESSAGES = 50;
const PAYLOAD_BYTES = 20_000;
/** Room for ten. */
const WINDOW_BYTES = 200_000;

interface Taken {
  readonly number: number;
  readonly session: string;
  readonly acknowledge: () => void;
}

await describeWithServer('mosquitto', (server) => {
  const receivers: Receiver[] = [];
  let lost = 0;
  let clientIds: string[] = [];
  const address = () => server.url.replace(/\?.*/, '');
  const connect = (clientId?: string) =>
    mqtt.connectAsync(address(), { reconnectPeriod: 0, clean: true, ...defined({ clientId }) });

  beforeAll(async () => {
    // Gives our account its rights.
    const control = createMosquittoControl({ url: server.url, logger: silentLogger });
    await control.start?.(AbortSignal.timeout(5_000));
    await control.stop?.(AbortSignal.timeout(5_000));
  });
  afterEach(async () => {
    for (const receiver of receivers.splice(0)) await receiver.close();
    // A clean session with its id ends what is kept for it.
    for (const clientId of clientIds) await (await connect(clientId)).endAsync();
    clientIds = [];
    lost = 0;
  });

  async function receiver(session: string, inFlight: InFlight, message: (taken: Taken) => void): Promise<Receiver> {
    const clientId = `core-api-receiver-test-${session}`;
    clientIds.push(clientId);
    const created = createReceiver({
      address: parseAddress(address()),
      clientId,
      logger: silentLogger,
      subscriptions: { [TOPIC]: { qos: 1 } },
      maxInFlight: 10_000,
      inFlight,
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
      message: (_topic, payload, acknowledge) => message({ number: payload.readUInt32BE(), session, acknowledge }),
      onLost: () => {
        lost += 1;
      },
    });
    receivers.push(created);
    await created.open();
    return created;
  }

  async function flood(): Promise<void> {
    const client = await connect();
    for (let number = 0; number < MESSAGES; number += 1) {
      const payload = Buffer.alloc(PAYLOAD_BYTES);
      payload.writeUInt32BE(number);
      await client.publishAsync(TOPIC, payload, { qos: 1 });
    }
    await client.endAsync();
  }

  const numbersOf = (taken: readonly Taken[], session: string) =>
    taken.filter((each) => each.session === session).map(({ number }) => number);
  const all = Array.from({ length: MESSAGES }, (_, number) => number);

  test('all sessions together hold a bounded number of bytes, however long, and then go on', async () => {
    const inFlight = new InFlight(WINDOW_BYTES);
    const taken: Taken[] = [];
    let isHeld = true;
    const take = (each: Taken) => {
      taken.push(each);
      if (!isHeld) each.acknowledge();
    };
    await receiver('a', inFlight, take);
    await receiver('b', inFlight, take);
    await flood();
    await eventually(() => expect(inFlight.full).toBe(true));
    const heldAt = performance.now();
    // Both broker and client would have ended the connection, if it had gone on without a sign of life.
    await eventually(() => expect(performance.now() - heldAt).toBeGreaterThan(KEEP_ALIVE_SECONDS * 3_000));
    expect(lost).toBe(0);
    // Each session may have read one before it found the window full.
    expect(taken.length).toBeLessThanOrEqual(11);

    isHeld = false;
    for (const { acknowledge } of taken.slice()) acknowledge();
    await eventually(() => expect(taken).toHaveLength(2 * MESSAGES));
    expect(numbersOf(taken, 'a')).toEqual(all);
    expect(numbersOf(taken, 'b')).toEqual(all);
    expect(inFlight.messages).toBe(0);
  });

  test('a session that is closed while it is not read is read no further, and another goes on where it was', async () => {
    const inFlight = new InFlight(WINDOW_BYTES);
    const taken: Taken[] = [];
    const first = await receiver('a', inFlight, (each) => taken.push(each));
    await flood();
    await eventually(() => expect(inFlight.full).toBe(true));
    const before = taken.splice(0);
    await first.close();
    for (const { acknowledge } of before) acknowledge();
    expect(inFlight.messages).toBe(0);

    await receiver('a', inFlight, (each) => {
      taken.push(each);
      each.acknowledge();
    });
    // None of the acknowledgements left: the connection was gone.
    await eventually(() => expect(numbersOf(taken, 'a')).toEqual(all));
  });
});
