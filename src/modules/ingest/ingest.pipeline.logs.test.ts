import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytes, createIngest, device, NOW, REQUEST, rejectedOf, send } from '#test/support/ingest.ts';

describe('logs in the ingest pipeline', () => {
  let subject: ReturnType<typeof createIngest>;
  beforeEach(() => {
    subject = createIngest();
  });
  afterEach(async () => {
    await subject.pipeline.stop?.(AbortSignal.timeout(5_000));
  });

  const poisoned = (item: object) => JSON.stringify(item).includes('poison');

  test('a log and its count are one append: no crash comes between them', async () => {
    const { stores, pipeline } = subject;
    const log = bytes({ event_type: 'boot', timestamp: NOW });
    stores.fail(1);
    const done = send(pipeline, 1, 'log', log);
    expect(stores.logs).toEqual([]);
    await done;
    expect(stores.appended).toMatchObject([{ samples: [], counts: [], logs: { documents: [{ device_id: 1 }] } }]);
    expect(await pipeline.receiveItems(device(1), 'log', [log], REQUEST)).toEqual(['merged']);
  });

  test('a log is found among samples and other logs, and what the store is asked again is counted once', async () => {
    const { stores, pipeline, errors } = subject;
    stores.refuse(poisoned);
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => {
        const timestamp = NOW - (n % 25) * 1_000;
        const log = { event_type: n === 11 ? 'poison' : 'x', message: `${n % 25}`, timestamp };
        const sample = { timestamp: NOW - n, metrics: { n } };
        return n % 3 === 0 ? send(pipeline, 1, 'telemetry', bytes(sample)) : send(pipeline, 1, 'log', bytes(log));
      }),
    );
    const sent = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 3 !== 0 && n !== 11);
    expect(stores.logs.map(({ message }) => Number(message)).sort((a, b) => a - b)).toEqual(
      [...new Set(sent.map((n) => n % 25))].sort((a, b) => a - b),
    );
    expect(stores.appended.flatMap(({ logs }) => logs?.documents ?? [])).toHaveLength(sent.length);
    expect(stores.appended.flatMap(({ samples }) => samples)).toHaveLength(10);
    expect(rejectedOf(stores, 1)).toEqual({ not_storable: 1 });
    expect(errors).toContainEqual({
      err: expect.any(Error),
      item: expect.objectContaining({ event_type: 'poison' }),
    });
  });

  test('a retry has the id of the first try, and each part of a batch that is divided an id of its own', async () => {
    const { stores, pipeline } = subject;
    stores.fail(3);
    await pipeline.receiveItems(device(1), 'log', [bytes({ event_type: 'x' })], REQUEST);
    expect(new Set(stores.tried.map(({ id }) => id)).size).toBe(1);
    expect(stores.tried).toHaveLength(4);

    stores.refuse(poisoned);
    const logs = ['a', 'poison', 'b', 'c'].map((event_type) => bytes({ event_type }));
    await pipeline.receiveItems(device(1), 'log', logs, REQUEST);
    const contents = new Map<string | undefined, string>();
    for (const { id, samples, counts, logs } of stores.tried) {
      const content = JSON.stringify([samples, counts, logs?.documents]);
      expect(id).toBeDefined();
      expect(contents.get(id) ?? content).toBe(content);
      contents.set(id, content);
    }
    expect(contents.size).toBeGreaterThan(5);
  });

  test('no log is given up while the store refuses everything', async () => {
    const { stores, pipeline, committer } = subject;
    stores.refuse(() => true);
    const done = pipeline.receiveItems(device(1), 'log', [bytes({ event_type: 'x' })], REQUEST);
    // Longer than a log was insisted on when nothing told a bad log from a bad store.
    await expect.poll(() => subject.errors.length, { timeout: 20_000 }).toBeGreaterThan(6);
    expect(committer.isStalled()).toBe(true);
    stores.refuse(() => false);
    expect(await done).toEqual(['stored']);
    expect(rejectedOf(stores, 1)).toEqual({});
  }, 30_000);
});
