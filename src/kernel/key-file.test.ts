import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readKeyFile } from './key-file.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'keys-')), 'keys');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const read = () => readKeyFile(folder, 'a.key', () => randomBytes(32));

test('a key is made once, with its folder, for its owner alone', async () => {
  const first = await read();
  expect(first).toHaveLength(32);
  expect(await read()).toEqual(first);
  expect((await stat(join(folder, 'a.key'))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await readdir(folder)).toEqual(['a.key']);
});

test('who makes it at the same time has the same key', async () => {
  const [first, ...others] = await Promise.all([read(), read(), read(), read()]);
  for (const other of others) expect(other).toEqual(first);
});

test('one that is there is read as it is, an empty one too', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'a.key'), '');
  expect(await read()).toEqual(Buffer.alloc(0));
});

test('one that cannot be read is an error, and none is made in its place', async () => {
  await mkdir(join(folder, 'a.key'), { recursive: true });
  let isMade = false;
  const make = () => {
    isMade = true;
    return 'another';
  };
  await expect(readKeyFile(folder, 'a.key', make)).rejects.toMatchObject({ code: 'EISDIR' });
  expect(isMade).toBe(false);
});
