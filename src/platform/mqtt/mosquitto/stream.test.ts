import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { DEVICE_CHANNELS, RecordingHandler } from '../mqtt.harness.ts';
import type { DownlinkEdge } from './downlink.ts';
import { createIdentities } from './identities.ts';
import { sessionsOf } from './partition.ts';
import { createStream, type Stream } from './stream.ts';

const SIGNALS = '$SYS/broker/log/N';
const turn = () => new Promise(setImmediate);

/** Writes down what it is told. */
function recordingEdge(told: string[]): DownlinkEdge {
  return {
    opened: ({ deviceUid }, { protocol, isClean }) => told.push(`opened ${deviceUid} ${protocol} ${isClean}`),
    closed: (deviceUid) => told.push(`closed ${deviceUid}`),
    subscribed: (deviceUid, channel, qos) => told.push(`subscribed ${deviceUid} ${channel} ${qos}`),
    unsubscribed: (deviceUid, channel) => told.push(`unsubscribed ${deviceUid} ${channel}`),
    sessionOpened: () => {},
    release: () => {},
  };
}

describe('what one session brings', () => {
  let handler: RecordingHandler;
  let stream: Stream;
  let nudges: string[];
  let acknowledged: string[];
  let told: string[];
  /** Waits, so that the device is known whatever came before. */
  const comes = async (topic: string, text: string) => {
    stream.message(topic, Buffer.from(text), () => acknowledged.push(text));
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  };
  const ended = () => comes(SIGNALS, '1: Client alpha closed its connection.');
  const will = () => comes('devices/alpha/status', 'will');

  beforeEach(() => {
    handler = new RecordingHandler();
    nudges = [];
    acknowledged = [];
    told = [];
    stream = createStream({
      channels: DEVICE_CHANNELS,
      session: sessionsOf(1)[0] as ReturnType<typeof sessionsOf>[number],
      handler,
      identities: createIdentities(handler, silentLogger),
      downlink: recordingEdge(told),
      onUnknown: (uid) => handler.events.push(`unknown ${uid}`),
      nudge: (topic) => nudges.push(topic),
    });
  });

  test('a Last Will that follows the end of its connection comes before it', async () => {
    await ended();
    expect(handler.events).toEqual([]);
    await will();
    expect(handler.events).toEqual(['message alpha status will', 'disconnected alpha']);
    expect(acknowledged).toHaveLength(2);
  });

  test('any other message says that there is no will', async () => {
    await ended();
    await comes('devices/beta/status', 'of beta');
    expect(handler.events).toEqual(['disconnected alpha', 'message beta status of beta']);
  });

  test('a device that is back: its new status is no will of the old connection', async () => {
    await ended();
    await comes(SIGNALS, "1: New client connected from 10.0.0.1:5 as alpha (p2, c1, k60, u'alpha').");
    await comes('devices/alpha/status', 'new');
    expect(handler.events).toEqual(['disconnected alpha', 'connected alpha', 'message alpha status new']);
  });

  test('when nothing follows, something is sent that does', async () => {
    await ended();
    await turn();
    expect(nudges).toEqual(['core-api/nudge/1-of-1']);
    await comes('$SYS/broker/uptime', '17 seconds');
    expect(handler.events).toEqual([]);
    await comes('core-api/nudge/1-of-1', '');
    expect(handler.events).toEqual(['disconnected alpha']);
  });

  test('over a lost connection the end is still held, and asked for again', async () => {
    await ended();
    stream.lost();
    await turn();
    stream.connected();
    expect(nudges).toHaveLength(2);
    await will();
    expect(handler.events).toEqual(['message alpha status will', 'disconnected alpha']);
  });

  test('at the end nothing stays held', async () => {
    await ended();
    stream.end();
    await Promise.resolve();
    expect(handler.statusEvents).toEqual(['disconnected alpha']);
    expect(acknowledged).toHaveLength(1);
  });

  test('a second connection that ends the first is told as both', async () => {
    const connected = "1: New client connected from 10.0.0.1:5 as alpha (p2, c1, k60, u'alpha').";
    await comes(SIGNALS, connected);
    await comes(SIGNALS, connected);
    expect(handler.events).toEqual(['connected alpha', 'disconnected alpha', 'connected alpha']);
  });

  test('connections and subscriptions are told, in order', async () => {
    const subscriptions = '$SYS/broker/log/M/subscribe';
    await comes(SIGNALS, "1: New client connected from 10.0.0.1:5 as alpha (p5, c0, k60, u'alpha').");
    await comes(subscriptions, '1: alpha 1 devices/alpha/command');
    await comes(subscriptions, '1: core.api.control 1 devices/alpha/command');
    await comes(subscriptions, '1: alpha 1 devices/beta/command');
    await comes('$SYS/broker/log/M/unsubscribe', '1: alpha devices/alpha/command');
    await ended();
    await will();
    expect(told).toEqual([
      'closed alpha',
      'opened alpha 5 false',
      'subscribed alpha command 1',
      'unsubscribed alpha command',
      'closed alpha',
    ]);
    expect(acknowledged).toHaveLength(7);
  });

  test('after a restart of the broker who was connected before is not, unless it came back', async () => {
    for (const uid of ['alpha', 'beta']) {
      await comes(SIGNALS, `1: New client connected from 10.0.0.1:5 as ${uid} (p2, c1, k60, u'${uid}').`);
    }
    stream.lost();
    await comes(SIGNALS, "1: New client connected from 10.0.0.1:5 as beta (p2, c1, k60, u'beta').");
    handler.events.length = 0;
    await comes('$SYS/broker/uptime', '0 seconds');
    expect(handler.events).toEqual(['disconnected alpha']);
    stream.lost();
    await comes('$SYS/broker/uptime', '86400 seconds');
    expect(handler.events).toEqual(['disconnected alpha']);
  });

  test('what belongs to another session is acknowledged unread; so is a device that does not exist, and noted', async () => {
    const [first, second] = sessionsOf(2);
    const other = first?.owns('alpha') ? second : first;
    stream = createStream({
      channels: DEVICE_CHANNELS,
      session: other as NonNullable<typeof other>,
      handler,
      identities: createIdentities(handler, silentLogger),
      downlink: recordingEdge(told),
      onUnknown: (uid) => handler.events.push(`unknown ${uid}`),
      nudge: () => {},
    });
    await will();
    await ended();
    await comes('devices/nobody/telemetry', 'x');
    await comes('devices/nobody/foreign', 'x');
    expect(acknowledged).toHaveLength(4);
    expect(handler.events).toEqual(other?.owns('nobody') ? ['unknown nobody'] : []);
  });
});
