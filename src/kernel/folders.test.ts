import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { createFolder } from './folders.ts';

describe('a folder', () => {
  test('is made with those above it, for its owner alone, and stays as it is when it is there', () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'a', 'b', 'c');
    createFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder.path, 'a')).mode & 0o777).toBe(0o700);
    writeFileSync(join(path, 'kept'), '');
    createFolder(path);
    expect(existsSync(join(path, 'kept'))).toBe(true);
    folder.remove();
  });

  test('where a file is in the way is an error', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder.path, 'file'), '');
    expect(() => createFolder(join(folder.path, 'file'))).toThrow('EEXIST');
    expect(() => createFolder(join(folder.path, 'file', 'below'))).toThrow('ENOTDIR');
    folder.remove();
  });

  test('where nobody can make one is an error, not an endless loop', () => {
    expect(() => createFolder('/proc/core-api/data')).toThrow('/proc/core-api');
  });
});
