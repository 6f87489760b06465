import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { root } from './files.ts';

/** Runs `.ci/run` with an npm that runs nothing: `tests` and `tools` are what it does for `npm test` and `npm run outside`. */
function runCi(tests: string, tools: string) {
  const folder = temporaryFolder();
  const npm = ['#!/bin/sh', 'case "$*" in', `test) ${tests} ;;`, `"run outside") ${tools} ;;`, 'esac', ''].join('\n');
  writeFileSync(join(folder.path, 'npm'), npm, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder.path}${delimiter}${process.env['PATH']}` };
  const { status, stdout } = spawnSync('bash', [join(root, '.ci/run')], { env, encoding: 'utf8' });
  folder.remove();
  return { status, lastLine: stdout.trim().split('\n').at(-1) };
}

const passes = 'echo "skipped  a tool: it is away"; echo "7 passed, 0 failed"';

test.each([
  ['everything passed', 'echo "40 passed, 0 failed"', passes, 0, '47 passed, 0 failed'],
  ['a test failed', 'echo "39 passed, 1 failed"; exit 1', passes, 1, '46 passed, 1 failed'],
  ['a tool failed', 'echo "40 passed, 0 failed"', 'echo "6 passed, 1 failed"; exit 1', 1, '46 passed, 1 failed'],
  ['both failed', 'echo "39 passed, 1 failed"; exit 1', 'echo "6 passed, 1 failed"; exit 1', 1, '45 passed, 2 failed'],
  ['the tests fell over', 'exit 3', passes, 1, '7 passed, 1 failed'],
  ['the tools fell over', 'echo "40 passed, 0 failed"', 'echo nothing', 1, '40 passed, 1 failed'],
  ['a failure was counted and not returned', 'echo "39 passed, 1 failed"', passes, 1, '46 passed, 1 failed'],
])('.ci/run when %s', (_, tests, tools, status, lastLine) => {
  expect(runCi(tests, tools)).toEqual({ status, lastLine });
});
