import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blobsContract } from '../blobs.contract.ts';
import { createFileBlobStore } from './blobs.files.ts';

async function inFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    folder,
    async create() {
      const store = createFileBlobStore({ folder: join(folder, 'blobs') });
      await store.start?.(AbortSignal.timeout(5_000));
      return store;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

blobsContract('the file system', inFolder);

test('what a process that was killed has left unfinished is removed at the next start', async () => {
  const { folder, create, close } = await inFolder();
  await create();
  await writeFile(join(folder, 'blobs', '.new-half'), 'half');
  const store = await create();
  expect(await readdir(join(folder, 'blobs'))).toEqual([]);
  expect(await store.sizeOf('half')).toBeNull();
  await close();
});

test('a hundred times as many readers hold no more: each reads smaller pieces', async () => {
  const { create, close } = await inFolder();
  const store = await create();
  async function* image() {
    yield randomBytes(1024 ** 2);
  }
  await store.write('image', image());
  /** Bytes of the first piece of each of so many that read at once, and go on to the end. */
  async function heldBy(readers: number): Promise<number> {
    const reading = Array.from({ length: readers }, () => store.read('image')[Symbol.asyncIterator]());
    await Promise.all(reading.map((each) => each.next()));
    const pieces = await Promise.all(reading.map((each) => each.next()));
    await Promise.all(reading.map((each) => each.return?.()));
    return pieces.reduce((sum, { value }) => sum + (value as Uint8Array).length, 0);
  }
  expect(await heldBy(4)).toBe(1024 ** 2);
  expect(await heldBy(400)).toBeLessThanOrEqual(16 * 1024 ** 2);
  // Those that stopped count no more.
  expect(await heldBy(4)).toBe(1024 ** 2);
  await close();
});
