import { createHash } from 'node:crypto';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { Comparison } from './checksum.ts';

/**
 * Copies files. One that is there is whole, so an interrupted move goes on with those that are missing. At the end both sides are
 * read and compared.
 */
export async function moveBlobs(source: BlobStore, target: BlobStore): Promise<Comparison> {
  for await (const { id, size } of source.list()) {
    if ((await target.sizeOf(id)) === size) continue;
    await target.remove(id);
    await target.write(id, source.read(id));
  }
  return { what: 'files', source: await contentsOf(source), target: await contentsOf(target) };
}

/** Number of files, and the hash of all of them in the order of their ids. */
async function contentsOf(store: BlobStore): Promise<string> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  const hash = createHash('sha256');
  for (const id of ids.sort()) {
    hash.update(id);
    for await (const part of store.read(id)) hash.update(part);
  }
  return `${ids.length}, SHA-256 ${hash.digest('hex')}`;
}
