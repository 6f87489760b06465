import { open, opendir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolder, syncFolder } from '#kernel/folders.ts';
import { createTurns } from '#kernel/turns.ts';
import { blobErrors, blobsAway } from '../blobs.errors.ts';
import type { BlobStore } from '../blobs.port.ts';

/** What is not whole yet; a start removes what a process that ended has left. */
const UNFINISHED = '.new-';
/** What all readers together have asked for and not passed on. Few read in large pieces, many in small ones. */
const READ_BYTES_OF_ALL = 16 * 1024 * 1024;
const MOST_READ_BYTES = 256 * 1024;
const FEWEST_READ_BYTES = 16 * 1024;
/** However many download: what else the process has to do waits for so many pieces at a time, and other files do not wait behind all of them. */
const READS_AT_A_TIME = 2;

/** Files in a folder, each under its id. Written aside, synced and renamed: a file that is there is whole. */
export function createFileBlobStore({ folder }: { readonly folder: string }): BlobStore {
  const pathOf = (id: string) => join(folder, id);
  const turns = createTurns(READS_AT_A_TIME);
  let readers = 0;
  let nextReader = 0;
  const asideOf = (id: string) => join(folder, `${UNFINISHED}${id}`);

  async function* names(): AsyncGenerator<string> {
    for await (const { name } of await opendir(folder)) yield name;
  }

  return {
    name: 'files',
    async start() {
      createFolder(folder);
      for await (const name of names()) if (name.startsWith(UNFINISHED)) await rm(pathOf(name), { force: true });
    },
    async write(id, source) {
      const aside = asideOf(id);
      const file = await open(aside, 'w', 0o600).catch(refuse);
      let size = 0;
      try {
        for await (const chunk of source) {
          await file.writeFile(chunk).catch(refuse);
          size += chunk.length;
        }
        await file.sync().catch(refuse);
        await file.close();
        await rename(aside, pathOf(id)).catch(refuse);
        syncFolder(folder);
        return size;
      } catch (error) {
        await file.close().catch(() => {});
        await rm(aside, { force: true });
        throw error;
      }
    },
    async *read(id, range) {
      const file = await open(pathOf(id), 'r').catch(refuseRead);
      readers += 1;
      try {
        const reader = String(nextReader++);
        const end = range === undefined ? Number.POSITIVE_INFINITY : range.end + 1;
        for (let at = range?.start ?? 0; at < end; ) {
          const size = Math.min(end - at, pieceBytes(readers));
          const { buffer, bytesRead } = await turns(reader, () => file.read(Buffer.allocUnsafeSlow(size), 0, size, at));
          if (bytesRead === 0) return;
          at += bytesRead;
          yield bytesRead === size ? buffer : buffer.subarray(0, bytesRead);
        }
      } catch (error) {
        refuseRead(error);
      } finally {
        readers -= 1;
        await file.close();
      }
    },
    async sizeOf(id) {
      try {
        return (await stat(pathOf(id))).size;
      } catch (error) {
        if (isMissing(error)) return null;
        throw blobsAway(error);
      }
    },
    async remove(id) {
      for (const path of [pathOf(id), asideOf(id)]) await rm(path, { force: true }).catch(refuse);
    },
    async *list() {
      for await (const name of names()) {
        if (!name.startsWith('.')) yield { id: name, size: (await stat(pathOf(name))).size };
      }
    },
    async *unfinished() {
      for await (const name of names()) if (name.startsWith(UNFINISHED)) yield name.slice(UNFINISHED.length);
    },
  };
}

function refuse(error: unknown): never {
  throw blobsAway(error);
}

function refuseRead(error: unknown): never {
  throw isMissing(error) ? blobErrors.blob_not_found() : blobsAway(error);
}

function pieceBytes(readers: number): number {
  const share = Math.floor(READ_BYTES_OF_ALL / readers);
  return Math.min(MOST_READ_BYTES, Math.max(FEWEST_READ_BYTES, share));
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
