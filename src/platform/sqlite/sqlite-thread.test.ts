import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createSqliteThread } from './sqlite-thread.ts';

test('a thread that ends by itself makes its calls unavailable and is started again', async () => {
  const folder = temporaryFolder();
  const procedures = [new URL('./sqlite-thread.fixture.ts', import.meta.url)];
  const thread = createSqliteThread({
    name: 't',
    file: join(folder.path, 't.db'),
    mode: 'write',
    procedures,
    logger: silentLogger,
  });
  await thread.start?.(AbortSignal.timeout(60_000));
  expect(await thread.call('test.add', 2)).toBe(2);
  await expect(Promise.all([thread.call('test.die', undefined), thread.call('test.add', 3)])).rejects.toMatchObject({
    kind: 'unavailable',
  });
  await expect(thread.call('test.add', 3)).rejects.toMatchObject({ kind: 'unavailable' });
  await expect.poll(() => thread.call('test.add', 5).catch(() => null), { timeout: 30_000 }).toBe(7);
  await thread.stop?.(AbortSignal.timeout(60_000));
  await expect(thread.call('test.add', 1)).rejects.toMatchObject({ kind: 'unavailable' });
  folder.remove();
});
