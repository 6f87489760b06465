import { expect, test } from 'vitest';
import { createEventBus, type DomainEvent } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { consumeEvents, publishEvents } from './stream-events.ts';
import type { EventStreams, StreamMessage } from './streams.port.ts';

declare module '#kernel/events.ts' {
  interface EventMap {
    'stream_test.one': { readonly n: number };
    'stream_test.other': { readonly n: number };
  }
}

test('what happens here is written, what happened elsewhere is not written again', async () => {
  const events = createEventBus(silentLogger);
  const written: [string, StreamMessage][] = [];
  const streams: EventStreams = {
    name: 'streams',
    consumers: { name: 'consumers' },
    publish: async (stream, message) => void written.push([stream, message]),
    consume: () => {},
  };
  publishEvents({ events, streams }, 'out', ['stream_test.one']);
  events.emit('stream_test.one', 1, { n: 1 });
  events.emit('stream_test.one', 2, { n: 2 }, 'relay');
  events.emit('stream_test.other', 3, { n: 3 });
  expect(written).toEqual([['out', { type: 'stream_test.one', at: 1, data: { n: 1 } }]]);
});

test('what is read is emitted as of another process, and is taken when all handlers have taken it', async () => {
  const events = createEventBus(silentLogger);
  let handler: (message: StreamMessage) => Promise<void> = async () => {};
  const streams: EventStreams = {
    name: 'streams',
    consumers: { name: 'consumers' },
    publish: async () => {},
    consume: (stream, group, given) => {
      expect([stream, group]).toEqual(['in', 'us']);
      handler = given;
    },
  };
  const seen: DomainEvent[] = [];
  events.on('stream_test.one', (event) => void seen.push(event));
  consumeEvents({ events, streams }, { stream: 'in', group: 'us' }, ['stream_test.one']);
  await handler({ type: 'stream_test.one', at: 1, data: { n: 1 } });
  await handler({ type: 'of.a.newer.version', at: 2, data: {} });
  expect(seen).toEqual([{ type: 'stream_test.one', at: 1, data: { n: 1 }, origin: 'relay' }]);
  events.on('stream_test.one', async () => {
    throw new Error('not now');
  });
  await expect(handler({ type: 'stream_test.one', at: 3, data: { n: 3 } })).rejects.toThrow('not now');
});
