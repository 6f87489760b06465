import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createConsoleBuild } from './console.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const signal = AbortSignal.timeout(60_000);

test('a server without a build begins one and does not wait for it; one that has a build leaves it alone', async () => {
  const dist = join(folder.path, 'dist');
  const info = vi.fn();
  const build = createConsoleBuild({ ...silentLogger, info }, dist);
  await build.start?.(signal);
  expect(existsSync(dist)).toBe(false);
  expect(info.mock.calls).toEqual([[{}, expect.stringContaining('being built')]]);
  await expect.poll(() => info.mock.calls.length, { timeout: 60_000 }).toBe(2);
  expect(info).toHaveBeenLastCalledWith({}, 'the console is built');
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  expect(names).toContain('index.html');
  for (const name of names.filter((each) => /\.(js|css)$/.test(each))) {
    expect(names).toEqual(expect.arrayContaining([`${name}.br`, `${name}.gz`]));
  }
  expect(readdirSync(folder.path)).toEqual(['dist']);
  await build.stop?.(signal);

  await createConsoleBuild({ ...silentLogger, info }, dist).start?.(signal);
  expect(info).toHaveBeenCalledTimes(2);
});

test('a server that is stopped meanwhile stops its build, and nothing of it is left', async () => {
  const other = temporaryFolder();
  const error = vi.fn();
  const build = createConsoleBuild({ ...silentLogger, error }, join(other.path, 'dist'));
  await build.start?.(signal);
  await build.stop?.(signal);
  expect(readdirSync(other.path)).toEqual([]);
  expect(error).not.toHaveBeenCalled();
  other.remove();
});
