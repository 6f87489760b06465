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
