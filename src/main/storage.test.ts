import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { storageOf } from './storage.ts';

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

test('the files of all folders are counted, and the disk is larger than what is free on it', async () => {
  writeFileSync(join(folder.path, 'a'), 'x'.repeat(100));
  mkdirSync(join(folder.path, 'blobs', 'deep'), { recursive: true });
  writeFileSync(join(folder.path, 'blobs', 'deep', 'b'), 'x'.repeat(23));
  const { dataBytes, freeBytes, diskBytes } = await storageOf(folder.path);
  expect(dataBytes).toBe(123);
  expect(freeBytes).toBeGreaterThan(0);
  expect(diskBytes).toBeGreaterThanOrEqual(freeBytes);
});
