import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createSqliteThread } from './sqlite-thread.ts';

const PROCEDURES = [new URL('./sqlite-thread.fixture.ts', import.meta.url)];
const modesIn = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
  );

async function whileOpen<T>(file: string, look: () => T): Promise<T> {
  const options = { name: 't', file, mode: 'write', procedures: PROCEDURES, logger: silentLogger } as const;
  const thread = createSqliteThread(options);
  await thread.start?.(AbortSignal.timeout(60_000));
  await thread.call('test.add', 1);
  try {
    return look();
  } finally {
    await thread.stop?.(AbortSignal.timeout(60_000));
  }
}

test('a database and its log are their owner’s alone, in a folder that others may read', async () => {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  const modes = await whileOpen(join(folder.path, 't.db'), () => modesIn(folder.path));
  expect(modes).toEqual({ 't.db': '600', 't.db-shm': '600', 't.db-wal': '600' });
  folder.remove();
});

test('those that were made with wider rights lose them', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder.path, 'data'));
  const file = join(folder.path, 'data', 't.db');
  for (const name of [file, `${file}-wal`, `${file}-shm`]) writeFileSync(name, '', { mode: 0o664 });
  const modes = await whileOpen(file, () => modesIn(join(folder.path, 'data')));
  expect(modes).toEqual({ 't.db': '600', 't.db-shm': '600', 't.db-wal': '600' });
  folder.remove();
});
