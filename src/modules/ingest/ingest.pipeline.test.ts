import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { bytes, createIngest, device, NOW, REQUEST, rejectedOf, send } from '#test/support/ingest.ts';

describe('the ingest pipeline', () => {
  let subject: ReturnType<typeof createIngest>;
  beforeEach(() => {
    subject = createIngest();
  });
  afterEach(async () => {
    subject.stores.release();
    await subject.pipeline.stop?.(AbortSignal.timeout(5_000));
  });

  test('acknowledges after the commit, not before', async () => {
    const { stores, pipeline } = subject;
    stores.hold();
    let acknowledged = false;
    const done = send(pipeline, 1, 'telemetry', bytes({ t: 1 })).then(() => {
      acknowledged = true;
    });
    await expect.poll(() => stores.waiting()).toBe(1);
    expect(acknowledged).toBe(false);
    expect(pipeline.inFlight(1)).toBe(1);
    stores.release();
    await done;
    expect(stores.appended[0]?.samples).toEqual([{ deviceId: 1, timestamp: NOW, metrics: { t: 1 } }]);
    expect(pipeline.inFlight(1)).toBe(0);
  });

  test('what arrives during a commit goes into few batches', async () => {
    const { stores, pipeline } = subject;
    stores.hold();
    const done = Array.from({ length: 3_000 }, (_, i) =>
      send(pipeline, 1, 'telemetry', bytes({ timestamp: NOW - i, metrics: { i } })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    stores.release();
    await Promise.all(done);
    expect(stores.appended.length).toBeLessThan(5);
    expect(stores.appended.flatMap((batch) => batch.samples)).toHaveLength(3_000);
  });

  test('while the store is slow, no more is parsed than the next batches take, and the order is kept', async () => {
    const { stores, pipeline } = subject;
    stores.hold();
    const messages = 30;
    const done = Array.from({ length: messages }, (_, n) => {
      const items = Array.from({ length: 1_000 }, (_, m) => ({ timestamp: NOW - m, metrics: { n } }));
      return send(pipeline, 1, 'telemetry', bytes(items));
    });
    let isAnswered = false;
    const answered = new Promise<void>((resolve) => {
      pipeline.refused(device(1), 'forbidden_topic', () => {
        isAnswered = true;
        resolve();
      });
    });
    pipeline.connection(device(1), { isConnected: false, ipAddress: null, by: 'device' });
    const request = pipeline.receiveItems(device(2), 'telemetry', [bytes({ last: true })], REQUEST);
    await new Promise((resolve) => setImmediate(resolve));
    // A message that waits is one item until it is parsed.
    expect(pipeline.backlog()).toBeGreaterThan(messages);
    expect(pipeline.backlog()).toBeLessThan(3 * 5_000 + messages);
    expect(pipeline.inFlight(2)).toBe(1);
    expect(stores.statuses).toEqual([]);
    expect(isAnswered).toBe(false);
    stores.release();
    await Promise.all([...done, answered]);
    expect(await request).toEqual(['stored']);
    const samples = stores.appended.flatMap((batch) => batch.samples);
    expect(samples.map(({ metrics }) => metrics['n'] ?? 'last')).toEqual([
      ...Array.from({ length: messages }, (_, n) => Array(1_000).fill(n)).flat(),
      'last',
    ]);
    expect(rejectedOf(stores, 1)).toEqual({ forbidden_topic: 1 });
    expect(stores.statuses).toMatchObject([{ deviceId: 1, status: 'OFFLINE' }]);
    expect(pipeline.backlog()).toBe(0);
  });

  test('a store that fails for a while loses nothing and is reported meanwhile', async () => {
    const { stores, pipeline, committer } = subject;
    stores.fail(3);
    const done = send(pipeline, 1, 'telemetry', bytes({ t: 1 }));
    await expect.poll(() => committer.isStalled()).toBe(true);
    await expect(pipeline.receiveItems(device(2), 'telemetry', [bytes({ t: 1 })], REQUEST)).rejects.toMatchObject({
      code: 'ingest_overloaded',
    });
    await done;
    expect(committer.isStalled()).toBe(false);
    expect(stores.appended).toHaveLength(1);
  });

  test('HTTP requests are refused when too many bytes wait', async () => {
    const { stores, pipeline } = subject;
    stores.hold();
    const large = { bytes: 40 * 1024 ** 2, span: null };
    const item = bytes({ t: 1 });
    const taken = pipeline.receiveItems(device(1), 'telemetry', [item], large);
    await expect(pipeline.receiveItems(device(1), 'telemetry', [item], large)).rejects.toMatchObject({
      code: 'ingest_overloaded',
    });
    const small = pipeline.receiveItems(device(1), 'telemetry', [item], REQUEST);
    stores.release();
    expect(await taken).toEqual(['stored']);
    await small;
    expect(await pipeline.receiveItems(device(1), 'telemetry', [item], large)).toEqual(['merged']);
  });

  test('a batch that is tried again is overtaken by no later one', async () => {
    const { stores, pipeline } = subject;
    const order: number[] = [];
    const append = stores.telemetry.append.bind(stores.telemetry);
    let tries = 0;
    stores.telemetry.append = async (batch) => {
      const isFirst = batch.samples.some((sample) => sample.metrics['n'] === 1);
      if (isFirst) tries += 1;
      if (isFirst && tries <= 2) throw commonErrors.unavailable();
      order.push(...batch.samples.map((sample) => sample.metrics['n'] as number));
      return await append(batch);
    };
    const done = [send(pipeline, 1, 'telemetry', bytes({ n: 1 }))];
    await expect.poll(() => tries).toBe(1);
    done.push(send(pipeline, 1, 'telemetry', bytes({ n: 2 })));
    await expect.poll(() => pipeline.inFlight(1)).toBe(2);
    await Promise.all(done);
    expect(order).toEqual([1, 2]);
  });

  describe('what a store refuses although it takes other things', () => {
    const poisoned = (item: object) => JSON.stringify(item).includes('poison');

    test('holds up nothing else: it is left out, counted and logged whole', async () => {
      const { stores, pipeline, errors, shown, committer } = subject;
      stores.refuse(poisoned);
      const done = Array.from({ length: 40 }, (_, i) =>
        send(
          pipeline,
          (i % 2) + 1,
          'telemetry',
          bytes({ timestamp: NOW - i, metrics: { a: i === 17 ? 'poison' : i } }),
        ),
      );
      await Promise.all(done);
      expect(stores.appended.flatMap((batch) => batch.samples)).toHaveLength(39);
      expect(rejectedOf(stores, 2)).toEqual({ not_storable: 1 });
      expect(rejectedOf(stores, 1)).toEqual({});
      expect(errors).toContainEqual({
        err: expect.any(Error),
        item: { deviceId: 2, timestamp: NOW - 17, metrics: { a: 'poison' } },
      });
      expect(shown.flatMap((batch) => batch.samples).filter(poisoned)).toEqual([]);
      expect(committer.isStalled()).toBe(false);
      await send(pipeline, 1, 'telemetry', bytes({ a: 1 }));
      expect(pipeline.inFlight(1) + pipeline.inFlight(2)).toBe(0);
    });

    test('is told to the sender of an HTTP request, alone or among others', async () => {
      const { stores, pipeline } = subject;
      stores.refuse(poisoned);
      const items = [bytes({ a: 1 }), bytes({ a: 'poison' })];
      expect(await pipeline.receiveItems(device(1), 'telemetry', items, REQUEST)).toEqual(['stored', 'not_storable']);
      expect(await pipeline.receiveItems(device(1), 'telemetry', items.slice(1), REQUEST)).toEqual(['not_storable']);
      const logs = [bytes({ event_type: 'x' }), bytes({ event_type: 'poison' })];
      expect(await pipeline.receiveItems(device(1), 'log', logs, REQUEST)).toEqual(['stored', 'not_storable']);
      const statuses = [bytes({ status: 'ERROR' }), bytes({ status: 'ERROR', firmware_version: 'poison' })];
      expect(await pipeline.receiveItems(device(1), 'status', statuses, REQUEST)).toEqual(['stored', 'not_storable']);
      expect(rejectedOf(stores, 1)).toEqual({ not_storable: 4 });
      expect(stores.logs).toHaveLength(1);
      expect(stores.statuses).toHaveLength(1);
    });

    test('a store that refuses everything loses nothing: it is asked until it takes the batch', async () => {
      const { stores, pipeline, committer } = subject;
      stores.refuse(() => true);
      let acknowledged = 0;
      const done = [1, 2, 3].map((n) =>
        send(pipeline, 1, 'telemetry', bytes({ timestamp: NOW - n, metrics: { n } })).then(() => {
          acknowledged += 1;
        }),
      );
      await expect.poll(() => committer.isStalled()).toBe(true);
      expect(acknowledged).toBe(0);
      stores.refuse(() => false);
      await Promise.all(done);
      expect(stores.appended.flatMap((batch) => batch.samples)).toHaveLength(3);
      expect(rejectedOf(stores, 1)).toEqual({});
    });
  });

  test('a bad message is acknowledged, counted by reason, and changes nothing else', async () => {
    const { stores, pipeline } = subject;
    await send(pipeline, 1, 'telemetry', Buffer.from('garbage'));
    await send(pipeline, 1, 'telemetry', Buffer.from([0xff]));
    await send(pipeline, 1, 'telemetry', bytes([]));
    await send(pipeline, 1, 'telemetry', bytes(Array.from({ length: 1_001 }, () => ({ t: 1 }))));
    await send(pipeline, 1, 'status', bytes([{ status: 'ONLINE' }]));
    await send(pipeline, 1, 'response', bytes({ command_id: 'x', status: 'success' }));
    expect(rejectedOf(stores, 1)).toEqual({
      invalid_json: 1,
      invalid_utf8: 1,
      empty_metrics: 1,
      too_many_items: 1,
      invalid_status: 1,
      unknown_command: 1,
    });
    expect(stores.appended.flatMap((batch) => batch.samples)).toEqual([]);
    expect([...stores.logs, ...stores.statuses]).toEqual([]);
  });

  test('an array counts each item; a bad one keeps no other from being stored', async () => {
    const { stores, pipeline } = subject;
    await send(pipeline, 1, 'telemetry', bytes([{ a: 1 }, { a: [] }, { timestamp: NOW - 1, metrics: { b: 2 } }]));
    expect(stores.appended.flatMap((batch) => batch.samples)).toHaveLength(2);
    expect(rejectedOf(stores, 1)).toEqual({ invalid_value: 1 });
  });

  test('a whole number that would be rounded is told from a rough one by how it is written, wherever it stands', async () => {
    const { stores, pipeline } = subject;
    const items = ['{"a":1}', '{"a":9007199254740993}', '{"a":1e300}', '{"a":12345678901234567890.0}'];
    await send(pipeline, 1, 'telemetry', Buffer.from(`[${items.join(',')}]`));
    for (const item of items) await send(pipeline, 2, 'telemetry', Buffer.from(item));
    await send(pipeline, 2, 'log', Buffer.from('{"event_type":"x","payload":9007199254740993}'));
    expect(stores.appended.flatMap((batch) => batch.samples).map(({ metrics }) => metrics['a'])).toEqual([
      ...[1, 1e300, 12345678901234567000],
      ...[1, 1e300, 12345678901234567000],
    ]);
    expect([1, 2].map((id) => rejectedOf(stores, id))).toEqual([{ integer_too_large: 1 }, { integer_too_large: 2 }]);
  });

  describe('what is nested as deep as a payload allows, beside a number that is to be told exactly', () => {
    const DEEP = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    const HOSTILE = Buffer.from(`{"a":12345678901234567,"b":${DEEP}}`);
    const REASONS = {
      telemetry: 'invalid_value',
      log: 'invalid_log',
      status: 'invalid_status',
      response: 'invalid_response',
    } as const;
    const CHANNELS = Object.entries(REASONS) as [keyof typeof REASONS, string][];

    test.each(CHANNELS)('on %s is rejected as %s', async (channel, reason) => {
      const { stores, pipeline, errors } = subject;
      await send(pipeline, 1, channel, HOSTILE);
      expect(await pipeline.receiveItems(device(1), channel, [HOSTILE], REQUEST)).toEqual([reason]);
      expect(rejectedOf(stores, 1)).toEqual({ [reason]: 2 });
      expect(errors).toEqual([]);
    });

    test.each(CHANNELS)('on %s from the queue as well', async (channel, reason) => {
      const { stores, pipeline } = subject;
      stores.hold();
      const array = bytes(Array.from({ length: 1_000 }, (_, m) => ({ timestamp: NOW - m, metrics: { m } })));
      const ahead = Array.from({ length: 12 }, () => send(pipeline, 2, 'telemetry', array));
      const done = [send(pipeline, 1, channel, HOSTILE), pipeline.receiveItems(device(1), channel, [HOSTILE], REQUEST)];
      await new Promise((resolve) => setImmediate(resolve));
      stores.release();
      expect(await Promise.all(done)).toEqual([undefined, [reason]]);
      await Promise.all(ahead);
      expect(rejectedOf(stores, 1)).toEqual({ [reason]: 2 });
    });

    test('keeps no other item of its array from being stored exactly', async () => {
      const { stores, pipeline } = subject;
      const array = `[ {"a":1e300} ,${HOSTILE}, {"a":9007199254740993},{"a":[${DEEP}]},{"a":"}, ]"}]`;
      await send(pipeline, 1, 'telemetry', Buffer.from(`\uFEFF${array}\0`));
      expect(stores.appended.flatMap(({ samples }) => samples).map(({ metrics }) => metrics['a'])).toEqual([
        1e300,
        '}, ]',
      ]);
      expect(rejectedOf(stores, 1)).toEqual({ invalid_value: 2, integer_too_large: 1 });
    });
  });

  test('a fault of ours on an item costs that item, and is told once', async () => {
    const failing = createIngest({
      nextId: () => {
        throw new Error('no id');
      },
    });
    const { stores, pipeline, errors } = failing;
    const untimed = bytes({ event_type: 'x' });
    const good = bytes({ event_type: 'x', timestamp: NOW });
    await send(pipeline, 1, 'log', untimed);
    expect(await pipeline.receiveItems(device(1), 'log', [untimed, good], REQUEST)).toEqual([
      'internal_error',
      'stored',
    ]);
    stores.hold();
    const array = bytes(Array.from({ length: 1_000 }, (_, m) => ({ timestamp: NOW - m, metrics: { m } })));
    const done = Array.from({ length: 12 }, () => send(pipeline, 2, 'telemetry', array));
    done.push(send(pipeline, 1, 'log', untimed));
    await new Promise((resolve) => setImmediate(resolve));
    stores.release();
    await Promise.all(done);
    expect(rejectedOf(stores, 1)).toEqual({ internal_error: 3 });
    expect(errors).toEqual([{ device_uid: 'd1', reason: 'internal_error', err: new Error('no id') }]);
    await pipeline.stop?.(AbortSignal.timeout(5_000));
  });

  test('an HTTP request learns what became of each of its items', async () => {
    const { pipeline } = subject;
    const items = [
      bytes({ timestamp: NOW, metrics: { a: 1 } }),
      bytes(5),
      bytes({ timestamp: NOW, metrics: { a: 2 } }),
      Buffer.from('garbage'),
    ];
    expect(await pipeline.receiveItems(device(1), 'telemetry', items, REQUEST)).toEqual([
      'stored',
      'not_an_object',
      'merged',
      'invalid_json',
    ]);
    const log = bytes({ event_type: 'boot', timestamp: NOW });
    expect(await pipeline.receiveItems(device(1), 'log', [log, log], REQUEST)).toEqual(['stored', 'merged']);
    expect(await pipeline.receiveItems(device(1), 'status', [bytes({ status: 'ERROR' })], REQUEST)).toEqual(['stored']);
  });

  test('what had no room in the sample that it met is told, and shown to nobody', async () => {
    const { pipeline, shown } = subject;
    const items = [bytes({ a: 1 }), bytes({ timestamp: NOW - 1, metrics: { full: true } })];
    expect(await pipeline.receiveItems(device(1), 'telemetry', items, REQUEST)).toEqual(['stored', 'sample_full']);
    expect(shown.flatMap((batch) => batch.samples).map((sample) => sample.metrics)).toEqual([{ a: 1 }]);
  });

  test('signals of the broker keep their place between the messages', async () => {
    const { stores, pipeline } = subject;
    pipeline.connection(device(1), { isConnected: true, ipAddress: '10.0.0.9', by: 'device' });
    const message = send(pipeline, 1, 'status', bytes({ status: 'ERROR' }));
    pipeline.connection(device(1), { isConnected: false, ipAddress: null, by: 'device' });
    await message;
    expect(stores.statuses.map((change) => [change.status, change.source])).toEqual([
      ['ONLINE', 'connection'],
      ['ERROR', 'message'],
      ['OFFLINE', 'connection'],
    ]);
  });

  test('whatever is sent, the ledger adds up and every message is acknowledged once', async () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((raw) => Buffer.from(raw)),
      fc.jsonValue().map(bytes),
      fc.dictionary(fc.constantFrom('a', 'b'), fc.integer()).map(bytes),
      fc
        .array(fc.record({ timestamp: fc.constantFrom(NOW, NOW - 1), metrics: fc.record({ a: fc.integer() }) }))
        .map(bytes),
      fc.record({ event_type: fc.constantFrom('x', 'y'), timestamp: fc.constant(NOW) }).map(bytes),
    );
    const message = fc.tuple(fc.constantFrom(1, 2), fc.constantFrom('telemetry', 'status', 'log', 'response'), payload);
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 30 }), async (messages) => {
        const { stores, pipeline } = createIngest();
        let acknowledgements = 0;
        let items = 0;
        for (const [id, channel, raw] of messages) {
          pipeline.receive({ device: device(id), channel, payload: raw }, () => {
            acknowledgements += 1;
          });
        }
        items = pipeline.inFlight(1) + pipeline.inFlight(2);
        await pipeline.stop?.(AbortSignal.timeout(5_000));
        expect(acknowledgements).toBe(messages.length);
        let counted = 0;
        for (const { samples, logs, counts } of stores.appended) {
          counted += samples.length + (logs?.documents.length ?? 0);
          for (const { stored = 0, merged = 0, rejected = {} } of counts) {
            counted += stored + merged + Object.values(rejected).reduce((sum, n) => sum + n, 0);
          }
        }
        expect(counted).toBe(items);
        expect(items).toBeGreaterThanOrEqual(messages.length);
      }),
    );
  });
});
