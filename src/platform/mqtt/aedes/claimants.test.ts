import mqtt from 'mqtt';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { eventually, packets, RawClient, RecordingHandler } from '../mqtt.harness.ts';
import { type AedesBrokerOptions, createAedesBroker } from './aedes.ts';
import type { ClaimantLimits } from './claimants.ts';
import { createAedesDownlink } from './downlink.ts';

const REQUEST = 'provision/request';
const RESPONSE = 'provision/response';

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A broker with the claim 7, token `token`. */
async function start(claimants: Partial<ClaimantLimits> = {}) {
  const handler = new RecordingHandler();
  handler.claims.set('token', 7);
  const logged: string[] = [];
  const logger = { ...silentLogger, warn: (...said: unknown[]) => void logged.push(JSON.stringify(said)) };
  const runtime = { events: createEventBus(silentLogger), clock: systemClock, logger: silentLogger };
  const broker = createAedesBroker({
    host: '127.0.0.1',
    port: 0,
    channels: ['telemetry', 'status'],
    handler,
    downlink: createAedesDownlink(runtime).edge,
    logger: logger as AedesBrokerOptions['logger'],
    limits: { maxPayloadBytes: 64 * 1024, claimants },
  });
  await broker.start?.(AbortSignal.timeout(5_000));
  closing.push(() => broker.stop?.(AbortSignal.timeout(5_000)));
  return { handler, broker, logged, port: () => broker.ports().mqtt };
}

type Rig = Awaited<ReturnType<typeof start>>;

async function claimant({ port }: Rig, options: mqtt.IClientOptions = {}) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port()}`, {
    ...{ username: 'claim', password: 'token', reconnectPeriod: 0 },
    ...options,
  });
  client.on('error', () => {});
  closing.push(() => client.endAsync(true));
  const answers: string[] = [];
  client.on('message', (topic, payload) => void answers.push(`${topic} ${JSON.parse(payload.toString()).asked}`));
  const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
  return { client, answers, ended };
}

async function raw({ port }: Rig): Promise<RawClient> {
  const client = await RawClient.connect(port());
  closing.push(() => client.socket.destroy());
  return await client.logIn({ uid: 'claim', secret: 'token', clientId: 'raw' });
}

describe('a connection of a claim', () => {
  test('is answered on its own, whatever its client id, and hears nothing of others', async () => {
    const rig = await start();
    const [one, other] = [await claimant(rig, { clientId: 'same' }), await claimant(rig, { clientId: 'same' })];
    for (const { client } of [one, other]) await client.subscribeAsync(RESPONSE, { qos: 1 });
    await one.client.publishAsync(REQUEST, 'one', { qos: 1 });
    await other.client.publishAsync(REQUEST, 'other', { qos: 2 });
    await eventually(() => expect([one.answers, other.answers]).toEqual([[`${RESPONSE} one`], [`${RESPONSE} other`]]));
    // It is no device, and nobody is told that one came.
    expect(rig.handler.events).toEqual(['provision one', 'provision other']);
  });

  test('is acknowledged only when what it asks for is stored', async () => {
    const rig = await start();
    const stored = Promise.withResolvers<void>();
    rig.handler.beforeProvision = () => stored.promise;
    const client = await raw(rig);
    await client.send(packets.subscribe(RESPONSE)).got('9003000101');
    await client.send(packets.publish(REQUEST, '{}', { messageId: 5 })).roundTrip();
    await rig.handler.saw('provision {}');
    expect(client.received).not.toContain('40020005');
    stored.resolve();
    await client.got('40020005');
  });

  test('waits with its first request until it has subscribed, and makes nothing without', async () => {
    const rig = await start();
    const early = await raw(rig);
    await early.send(packets.publish(REQUEST, 'early', { messageId: 5 })).roundTrip();
    expect(rig.handler.events).toEqual([]);
    await early.send(packets.subscribe(RESPONSE)).got('40020005');
    expect(rig.handler.events).toEqual(['provision early']);

    const short = await start({ lifetimeMs: 100 });
    const never = await raw(short);
    await never.send(packets.publish(REQUEST, 'never', { messageId: 5 })).ended();
    const twice = await raw(rig);
    await twice.send(packets.publish(REQUEST, 'a'), packets.publish(REQUEST, 'b', { messageId: 2 })).ended();
    expect([...never.received, ...twice.received].filter((packet) => packet.startsWith('40'))).toEqual([]);
    expect([...rig.handler.events, ...short.handler.events]).toEqual(['provision early']);
    expect(rig.logged.filter((line) => line.includes('provision_not_subscribed'))).not.toEqual([]);
  });

  test('reads under a reply id what another connection of its claim has asked, and what was asked under no other', async () => {
    const rig = await start();
    rig.handler.claims.set('other', 8);
    const id = 'abcdefghijklmnop';
    const asking = await raw(rig);
    await asking.send(packets.publish(`${REQUEST}/${id}`, 'asked', { messageId: 5 })).roundTrip();
    // Neither who reads other answers of this claim, nor who knows the id and has another claim.
    const curious = await claimant(rig);
    await curious.client.subscribeAsync([RESPONSE, `${RESPONSE}/${id}x`], { qos: 1 });
    const foreign = await claimant(rig, { password: 'other' });
    await foreign.client.subscribeAsync(`${RESPONSE}/${id}`, { qos: 1 });
    expect(rig.handler.events).toEqual([]);

    const reading = await claimant(rig);
    await reading.client.subscribeAsync(`${RESPONSE}/${id}`, { qos: 1 });
    await asking.got('40020005');
    await eventually(() => expect(reading.answers).toEqual([`${RESPONSE}/${id} asked`]));
    expect([...curious.answers, ...foreign.answers]).toEqual([]);
  });

  test('waits again when who reads has gone, and is answered to who reads now', async () => {
    const rig = await start();
    const id = 'abcdefghijklmnop';
    const first = await claimant(rig);
    await first.client.subscribeAsync(`${RESPONSE}/${id}`);
    await first.client.endAsync();
    const asking = await claimant(rig);
    asking.client.publish(`${REQUEST}/${id}`, 'asked', { qos: 1 });
    await eventually(async () => {
      const next = await claimant(rig);
      await next.client.subscribeAsync(`${RESPONSE}/${id}`);
      await eventually(() => expect(next.answers).toEqual([`${RESPONSE}/${id} asked`]));
    });
    expect(rig.handler.events).toEqual(['provision asked']);
  });

  test('reads under no more reply ids than it may ask', async () => {
    const rig = await start({ requests: 2 });
    const { client, ended } = await claimant(rig);
    const topics = ['a', 'b', 'c'].map((letter) => `${RESPONSE}/${letter.repeat(16)}`);
    await client.subscribeAsync(topics.slice(0, 2));
    client.subscribe(topics[2] ?? '');
    await ended;
  });

  test('may use no other topic, in either direction, and no Last Will', async () => {
    const rig = await start({ requests: 100 });
    const client = await raw(rig);
    for (const filter of [
      '#',
      '+/response',
      'provision/+',
      REQUEST,
      'devices/alpha/command',
      '$SYS/#',
      `${RESPONSE}/short`,
      `${RESPONSE}/+`,
    ]) {
      const times = client.received.filter((packet) => packet === '9003000180').length;
      await client.send(packets.subscribe(filter)).got('9003000180', times + 1);
    }
    for (const topic of [RESPONSE, 'devices/alpha/telemetry', 'provision', 'provision/request/x']) {
      const times = client.received.filter((packet) => packet === '40020001').length;
      await client.send(packets.publish(topic, '{}')).got('40020001', times + 1);
    }
    expect(rig.handler.events).toEqual([]);
    const will = { topic: REQUEST, payload: Buffer.from('{}'), qos: 1, retain: false } as const;
    await expect(claimant(rig, { will })).rejects.toMatchObject({ code: 5 });
  });

  test('is told that a request is too large', async () => {
    const rig = await start();
    const { client, answers } = await claimant(rig);
    await client.subscribeAsync(RESPONSE, { qos: 0 });
    await client.publishAsync(REQUEST, 'x'.repeat(70_000), { qos: 1 });
    await eventually(() => expect(answers).toEqual([`${RESPONSE} too large`]));
  });

  test('ends after so many requests, whatever else it tries counted too, and after its time', async () => {
    const rig = await start({ requests: 3 });
    const { client, answers, ended } = await claimant(rig);
    await client.subscribeAsync([RESPONSE, '#']).catch(() => {});
    await client.publishAsync('elsewhere', 'x', { qos: 1 });
    await client.publishAsync(REQUEST, 'third', { qos: 1 });
    client.publish(REQUEST, 'fourth', { qos: 1 });
    await ended;
    expect([answers, rig.handler.events]).toEqual([[`${RESPONSE} third`], ['provision third']]);

    const short = await start({ lifetimeMs: 50 });
    await (await claimant(short)).ended;
  });

  test('is one of so many of its claim; another comes in when one has gone', async () => {
    const rig = await start({ connections: 2 });
    rig.handler.claims.set('other', 8);
    const first = await claimant(rig);
    await claimant(rig);
    await expect(claimant(rig)).rejects.toMatchObject({ code: 3 });
    await claimant(rig, { password: 'other' });
    await first.client.endAsync();
    await eventually(async () => void (await claimant(rig)));
  });

  test('does not hold up the end of the server, and what it is being told is finished', async () => {
    const rig = await start();
    const idle = await raw(rig);
    await idle.send(packets.publish(REQUEST, 'waits', { messageId: 5 })).roundTrip();
    const stored = Promise.withResolvers<void>();
    rig.handler.beforeProvision = () => stored.promise;
    const busy = await raw(rig);
    await busy.send(packets.subscribe(RESPONSE), packets.publish(REQUEST, 'busy', { messageId: 6 }));
    await rig.handler.saw('provision busy');
    const stopped = rig.broker.stop?.(AbortSignal.timeout(5_000));
    await idle.ended();
    expect(busy.closed).toBe(false);
    stored.resolve();
    await Promise.all([busy.got('40020006'), stopped]);
    expect(idle.received).not.toContain('40020005');
  });

  test('a token that is of no claim is refused', async () => {
    const rig = await start();
    await expect(claimant(rig, { password: 'guess' })).rejects.toMatchObject({ code: 5 });
  });
});
