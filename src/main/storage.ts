import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** How large the files of a folder are, and what its disk has left. */
export async function storageOf(folder: string) {
  const [dataBytes, { bavail, blocks, bsize }] = await Promise.all([sizeOf(folder), statfs(folder)]);
  return { dataBytes, freeBytes: bavail * bsize, diskBytes: blocks * bsize };
}

/** One file after the other: nobody waits for it, and the disk has other things to do. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // Files of SQLite come and go.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    bytes += found?.size ?? 0;
  }
  return bytes;
}
