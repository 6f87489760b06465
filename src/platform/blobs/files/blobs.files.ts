import { createReadStream } from 'node:fs';
import { open, opendir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolder, syncFolder } from '#kernel/folders.ts';
import { blobErrors, blobsAway } from '../blobs.errors.ts';
import type { BlobStore } from '../blobs.port.ts';

/** What is not whole yet; a start removes what a process that ended has left. */
const UNFINISHED = '.new-';
const READ_BYTES = 256 * 1024;

/** Files in a folder, each under its id. Written aside, synced and renamed: a file that is there is whole. */
export function createFileBlobStore({ folder }: { readonly folder: string }): BlobStore {
  const pathOf = (id: string) => join(folder, id);
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
      const stream = createReadStream(pathOf(id), { highWaterMark: READ_BYTES, ...range });
      try {
        for await (const chunk of stream) yield chunk as Buffer;
      } catch (error) {
        throw isMissing(error) ? blobErrors.blob_not_found() : blobsAway(error);
      } finally {
        stream.destroy();
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

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
