import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createSqliteHost, type SqliteHost } from './sqlite-host.ts';
import { createSqliteThread, type SqliteThread } from './sqlite-thread.ts';

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

test('a lazy thread starts with its first call, answers pings before, and does not start again after a stop', async () => {
  const folder = temporaryFolder();
  const procedures = [new URL('./sqlite-thread.fixture.ts', import.meta.url)];
  const file = join(folder.path, 't.db');
  const attached: string[] = [];
  const real = createSqliteHost('lazy', silentLogger);
  const host: SqliteHost = {
    ...real,
    attach(settings) {
      attached.push(settings.file);
      return real.attach(settings);
    },
  };
  const thread = createSqliteThread({
    name: 'lazy',
    file,
    mode: 'write',
    procedures,
    logger: silentLogger,
    isLazy: true,
    host,
  });
  await expect(thread.call('test.add', 1)).rejects.toMatchObject({ kind: 'unavailable' });
  await thread.start?.(AbortSignal.timeout(60_000));
  await thread.ping();
  expect(attached).toEqual([]);
  expect(await Promise.all([thread.call('test.add', 2), thread.call('test.add', 3)])).toEqual([2, 5]);
  await thread.ping();
  expect(attached).toEqual([file]);
  await thread.stop?.(AbortSignal.timeout(60_000));
  await expect(thread.call('test.add', 1)).rejects.toMatchObject({ kind: 'unavailable' });
  folder.remove();
});

test('files that share a thread are opened, lost, opened again and closed each by itself', async () => {
  const folder = temporaryFolder();
  const host = createSqliteHost('shared', silentLogger);
  const procedures = [new URL('./sqlite-thread.fixture.ts', import.meta.url)];
  const [one, other] = ['one', 'other'].map((name) => {
    const file = join(folder.path, `${name}.db`);
    return createSqliteThread({ name, file, mode: 'write', procedures, logger: silentLogger, host });
  }) as [SqliteThread, SqliteThread];
  const inTime = () => AbortSignal.timeout(60_000);
  await one.start?.(inTime());
  await expect(other.call('test.add', 1)).rejects.toMatchObject({ kind: 'unavailable' });
  await other.start?.(inTime());
  expect(await Promise.all([one.call('test.add', 2), other.call('test.add', 3)])).toEqual([2, 3]);

  await expect(Promise.all([one.call('test.die', undefined), other.call('test.add', 3)])).rejects.toMatchObject({
    kind: 'unavailable',
  });
  for (const each of [one, other])
    await expect
      .poll(
        () =>
          each.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true);

  await one.stop?.(inTime());
  await expect(one.call('test.add', 1)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await other.call('test.add', 4)).toBe(7);
  await other.stop?.(inTime());
  await one.start?.(inTime());
  expect(await one.call('test.add', 5)).toBe(7);
  await one.stop?.(inTime());
  folder.remove();
});
