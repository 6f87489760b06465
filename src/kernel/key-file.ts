import { link, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createFolder, syncFolder } from './folders.ts';
import { createId } from './ids.ts';

/**
 * Makes the file of a key, readable by its owner alone, in a folder that is made too. Written aside, synced and linked
 * into place: of two processes that start together one wins, and both read a whole key. One that is there is kept.
 * When it returns, the file and its name survive the loss of power: what is sealed under a key must not outlive it.
 */
export async function createKeyFile(folder: string, name: string, content: string | Buffer): Promise<void> {
  createFolder(folder);
  const temporary = join(folder, `.new-${createId()}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  syncFolder(folder);
  syncFolder(dirname(folder));
}

/**
 * What the file of a key says; made first where it is missing. One that is there and cannot be read is never replaced.
 * @throws the error of the operating system
 */
export async function readKeyFile(
  folder: string,
  name: string,
  make: () => string | Buffer | Promise<string | Buffer>,
): Promise<Buffer> {
  const path = join(folder, name);
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await createKeyFile(folder, name, await make());
    return await readFile(path);
  }
}
