import { describe, expect, test } from 'vitest';
import { createEventBus, type EventBus } from './events.ts';
import { type Logger, silentLogger } from './logger.ts';

declare module './events.ts' {
  interface EventMap {
    'test.one': { readonly n: number };
    'test.two': { readonly s: string };
  }
}

function setup(): { readonly bus: EventBus; readonly errors: { fields: object; message: string }[] } {
  const errors: { fields: object; message: string }[] = [];
  const logger: Logger = { ...silentLogger, error: (fields, message) => void errors.push({ fields, message }) };
  return { bus: createEventBus(logger), errors };
}

describe('event bus', () => {
  test('delivers type, instant and data at once, in the order of subscription', () => {
    const { bus } = setup();
    const seen: unknown[] = [];
    bus.on('test.one', (event) => void seen.push(['first', event]));
    bus.on('test.one', (event) => void seen.push(['second', event]));
    bus.on('test.two', (event) => void seen.push(['other', event]));
    bus.emit('test.one', 5, { n: 1 });
    const event = { type: 'test.one', at: 5, data: { n: 1 } };
    expect(seen).toEqual([
      ['first', event],
      ['second', event],
    ]);
  });

  test('an owner removes what it has added, and nobody else’s', () => {
    const { bus } = setup();
    const seen: string[] = [];
    const [one, two] = [bus.scope(), bus.scope()];
    bus.on('test.one', () => void seen.push('bus'));
    one.on('test.one', () => void seen.push('one'));
    const remove = one.on('test.two', () => void seen.push('one, two'));
    two.on('test.one', () => void seen.push('two'));
    remove();
    one.emit('test.two', 1, { s: '' });
    one.emit('test.one', 1, { n: 1 });
    expect(seen).toEqual(['bus', 'one', 'two']);
    one.end();
    one.end();
    bus.emit('test.one', 2, { n: 2 });
    expect(seen.slice(3)).toEqual(['bus', 'two']);
  });

  test('a delivery resolves when all handlers are done, and throws when one failed', async () => {
    const { bus, errors } = setup();
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    bus.on('test.one', async ({ origin }) => {
      await gate.promise;
      seen.push(`slow ${origin}`);
    });
    bus.on('test.one', () => void seen.push('fast'));
    const delivery = bus.deliver('test.one', 5, { n: 1 }, 'relay').then(() => seen.push('done'));
    await Promise.resolve();
    expect(seen).toEqual(['fast']);
    gate.resolve();
    await delivery;
    expect(seen).toEqual(['fast', 'slow relay', 'done']);
    bus.on('test.one', () => {
      throw new Error('no');
    });
    await expect(bus.deliver('test.one', 6, { n: 2 }, 'relay')).rejects.toThrow('no');
    expect(seen.slice(3)).toEqual(['fast', 'slow relay']);
    expect(errors).toHaveLength(1);
    await bus.deliver('test.two', 7, { s: 'nobody listens' }, 'relay');
  });

  test('says of an event that another process raised it', () => {
    const { bus } = setup();
    const seen: unknown[] = [];
    bus.on('test.one', (event) => void seen.push(event));
    bus.emit('test.one', 5, { n: 1 }, 'relay');
    bus.emit('test.one', 6, { n: 2 }, 'local');
    expect(seen).toEqual([
      { type: 'test.one', at: 5, data: { n: 1 }, origin: 'relay' },
      { type: 'test.one', at: 6, data: { n: 2 } },
    ]);
  });

  test('an event that nobody waits for is fine', () => {
    const { bus, errors } = setup();
    bus.emit('test.two', 0, { s: '' });
    expect(errors).toEqual([]);
  });

  test('one handler can listen to two types; removing it from one leaves the other', () => {
    const { bus } = setup();
    let calls = 0;
    const handler = () => {
      calls += 1;
    };
    const remove = bus.on('test.one', handler);
    bus.on('test.two', handler);
    remove();
    remove();
    bus.emit('test.one', 0, { n: 1 });
    bus.emit('test.two', 0, { s: '' });
    expect(calls).toBe(1);
  });

  test('the same handler subscribed twice is called twice and removed one at a time', () => {
    const { bus } = setup();
    let calls = 0;
    const handler = () => {
      calls += 1;
    };
    const remove = bus.on('test.one', handler);
    bus.on('test.one', handler);
    bus.emit('test.one', 0, { n: 1 });
    expect(calls).toBe(2);
    remove();
    bus.emit('test.one', 0, { n: 1 });
    expect(calls).toBe(3);
  });

  test('a handler that throws or rejects is logged and does not stop the others', async () => {
    const { bus, errors } = setup();
    const seen: number[] = [];
    const thrown = new Error('thrown');
    const rejected = new Error('rejected');
    bus.on('test.one', () => {
      throw thrown;
    });
    bus.on('test.one', async () => {
      throw rejected;
    });
    bus.on('test.one', ({ data }) => void seen.push(data.n));
    bus.emit('test.one', 0, { n: 7 });
    expect(seen).toEqual([7]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([
      { fields: { err: thrown, event: 'test.one' }, message: 'event handler failed' },
      { fields: { err: rejected, event: 'test.one' }, message: 'event handler failed' },
    ]);
  });

  test('a handler added or removed while an event is delivered counts from the next one', () => {
    const { bus } = setup();
    const seen: string[] = [];
    let remove = () => {};
    bus.on('test.one', () => {
      seen.push('first');
      remove();
      if (seen.length < 3) bus.on('test.one', () => void seen.push('late'));
    });
    remove = bus.on('test.one', () => void seen.push('second'));
    bus.emit('test.one', 0, { n: 1 });
    expect(seen).toEqual(['first', 'second']);
    bus.emit('test.one', 0, { n: 2 });
    expect(seen.slice(2)).toEqual(['first', 'late']);
  });
});
