import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { freshBundle, writeManifest } from './bundle.js';

const FOLDER = 'node_modules/.cache/core-api-bundle';
let folder: ReturnType<typeof temporaryFolder>;
let source: string;

beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, FOLDER), { recursive: true });
  mkdirSync(join(folder.path, 'src'));
  source = join(folder.path, 'src/server.ts');
  writeFileSync(source, 'export const a = 1;');
});
afterEach(() => folder.remove());

test('a bundle is used while its sources are as they were, also when they were copied', () => {
  expect(freshBundle(folder.path)).toBeNull();
  writeManifest(folder.path, join(folder.path, FOLDER), ['src/server.ts']);
  expect(freshBundle(folder.path)).toMatch(/core-api-bundle\/server\.mjs$/);
  utimesSync(source, new Date(0), new Date(0));
  expect(freshBundle(folder.path)).not.toBeNull();
});

test.each([
  ['another length', 'export const a = 1000;'],
  ['the same length', 'export const a = 2;'],
])('a source with %s is run itself', (_what, text) => {
  writeManifest(folder.path, join(folder.path, FOLDER), ['src/server.ts']);
  writeFileSync(source, text);
  utimesSync(source, new Date(1), new Date(1));
  expect(freshBundle(folder.path)).toBeNull();
});

test('a source that is gone, or a manifest that cannot be read, is no bundle', () => {
  writeManifest(folder.path, join(folder.path, FOLDER), ['src/server.ts']);
  writeFileSync(join(folder.path, FOLDER, 'manifest.json'), '{');
  expect(freshBundle(folder.path)).toBeNull();
  writeFileSync(join(folder.path, FOLDER, 'manifest.json'), JSON.stringify({ files: { 'src/none.ts': { size: 1 } } }));
  expect(freshBundle(folder.path)).toBeNull();
});
