import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlobStore } from './blobs.port.ts';

export interface BlobStoreUnderTest {
  /** Started, on what the one before it has left. */
  create(): Promise<BlobStore>;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

async function* chunksOf(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What every store of files does. */
export function blobsContract(name: string, underTest: () => Promise<BlobStoreUnderTest>): void {
  describe(`files kept by ${name}`, () => {
    let under: BlobStoreUnderTest;
    let store: BlobStore;
    beforeAll(async () => {
      under = await underTest();
      store = await under.create();
    });
    afterAll(async () => {
      await store.stop?.(AbortSignal.timeout(5_000));
      await under.close();
    });

    async function names(): Promise<readonly string[]> {
      const found: string[] = [];
      for await (const { id } of store.list()) found.push(id);
      return found.sort();
    }

    test('come back as they were, of any size, also after a restart', async () => {
      const files = new Map(
        [0, 1, 255 * 1024, 256 * 1024 + 1, 3 * MIB + 17].map((size) => [`f-${size}`, randomBytes(size)]),
      );
      for (const [id, bytes] of files) expect(await store.write(id, chunksOf(bytes))).toBe(bytes.length);
      await store.stop?.(AbortSignal.timeout(5_000));
      store = await under.create();
      for (const [id, bytes] of files) {
        expect(await store.sizeOf(id)).toBe(bytes.length);
        expect(hashOf(await readAll(store.read(id)))).toBe(hashOf(bytes));
      }
      expect(await names()).toEqual([...files.keys()].sort());
      for (const id of files.keys()) await store.remove(id);
      expect(await names()).toEqual([]);
    });

    test('can be read in parts, whose ends are within', async () => {
      const bytes = randomBytes(MIB + 5);
      await store.write('parts', chunksOf(bytes));
      for (const [start, end] of [
        [0, 0],
        [0, 99],
        [261_119, 261_121],
        [MIB, MIB + 4],
        [0, MIB + 4],
      ] as const) {
        expect(hashOf(await readAll(store.read('parts', { start, end })))).toBe(hashOf(bytes.subarray(start, end + 1)));
      }
      await store.remove('parts');
    });

    test('one whose source fails leaves nothing', async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield randomBytes(MIB);
        throw new Error('the sender is gone');
      }
      await expect(store.write('broken', failing())).rejects.toThrow('the sender is gone');
      expect(await store.sizeOf('broken')).toBeNull();
      expect(await names()).toEqual([]);
      // Its name is free.
      await store.write('broken', chunksOf(randomBytes(3)));
      await store.remove('broken');
    });

    test('one that is being written is unfinished, not listed, and can be removed when its process was killed', async () => {
      const unfinished = async () => {
        const ids: string[] = [];
        for await (const id of store.unfinished()) ids.push(id);
        return ids;
      };
      await store.write('whole', chunksOf(randomBytes(3)));
      const end = Promise.withResolvers<never>();
      async function* stuck(): AsyncGenerator<Uint8Array> {
        yield randomBytes(MIB);
        await end.promise;
      }
      const writing = store.write('cut-off', stuck());
      await expect.poll(unfinished).toEqual(['cut-off']);
      expect(await names()).toEqual(['whole']);
      await store.remove('cut-off');
      await expect.poll(unfinished).toEqual([]);
      end.reject(new Error('the end of the test'));
      await expect(writing).rejects.toThrow('the end of the test');
      await store.remove('whole');
    });

    test('is read no faster than it is taken, and reading ends when nobody takes more', async () => {
      await store.write('large', chunksOf(randomBytes(4 * MIB)));
      let taken = 0;
      for await (const part of store.read('large')) {
        taken += part.length;
        if (taken > MIB) break;
      }
      expect(taken).toBeLessThan(3 * MIB);
      await store.remove('large');
    });

    test('one that is not there is said so; removing it is no error', async () => {
      expect(await store.sizeOf('none')).toBeNull();
      await expect(readAll(store.read('none'))).rejects.toMatchObject({ code: 'blob_not_found' });
      await store.remove('none');
    });

    test('is written as fast as it is kept, not held in memory', async () => {
      let ahead = 0;
      let most = 0;
      const size = 8 * MIB;
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let made = 0; made < size; made += MIB) {
          ahead += 1;
          most = Math.max(most, ahead);
          yield randomBytes(MIB);
          ahead -= 1;
        }
      }
      expect(await store.write('flow', source())).toBe(size);
      expect(most).toBe(1);
      await store.remove('flow');
    });
  });
}
