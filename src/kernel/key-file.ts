import { link, open, rm } from 'node:fs/promises';
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
