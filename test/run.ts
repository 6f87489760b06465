/**
 * `npm test`: every check and every test, to the end, whatever fails on the way.
 * `npm run check` (`--checks`): the checks alone.
 *
 * Says at the end what failed, each by its file and name, so that the end of a log is enough. The last line is
 * always `N passed, N failed`; a check counts as one test. Exit code 0 only if nothing failed and something ran.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, a line each. */
  readonly failures?: readonly string[];
}
interface Section {
  readonly title: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** Counts the tests behind an exit code. */
  readonly tally: (exitCode: number) => Tally;
}
interface VitestFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages: readonly string[] | null;
  }[];
}
/** What is read of the report of Vitest's JSON reporter. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly VitestFile[];
}

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'core-api-test-'));
const reportFile = join(scratch, 'vitest.json');
/** Tests that need a server which is not there append its name here, one a line. */
const skippedAdaptersFile = join(scratch, 'skipped-adapters');

const oneTest = (exitCode: number): Tally => ({
  passed: exitCode === 0 ? 1 : 0,
  failed: exitCode === 0 ? 0 : 1,
  skipped: 0,
});

/** @returns `test/x.test.ts: name of the test: first line of its message`, for each that failed, and for files that did not load */
function failuresOf(file: VitestFile): readonly string[] {
  const path = relative(root, file.name);
  const first = (message: string | undefined) => stripVTControlCharacters(message ?? '').split('\n', 1)[0] ?? '';
  const failed = file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${path}: ${fullName}: ${first(failureMessages?.[0])}`);
  return failed.length > 0 || file.status !== 'failed' ? failed : [`${path}: ${first(file.message)}`];
}

function vitestTally(exitCode: number): Tally {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
  // A file that does not load, or whose set-up fails, holds no failed test and must not pass for that.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((result) => result.status === 'failed'),
  );
  const failed = report.numFailedTests + broken.length;
  return {
    passed: report.numPassedTests,
    // An error outside every test (an unhandled rejection, no test at all) shows in the exit code alone.
    failed: exitCode !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: report.testResults.flatMap(failuresOf),
  };
}

const checks: readonly Section[] = [
  { title: 'lint and format', command: ['biome', 'check', '--error-on-warnings', '.'], tally: oneTest },
  { title: 'types', command: ['tsc', '--noEmit'], tally: oneTest },
  { title: 'types of the console', command: ['tsc', '--noEmit', '-p', 'console'], tally: oneTest },
  { title: 'unused code', command: ['knip', '--no-progress'], tally: oneTest },
];
const tests: Section = {
  title: 'tests',
  command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
  tally: vitestTally,
};

const say = (line: string) => process.stdout.write(`${line}\n`);

/** @returns the exit code; 1 for a program that could not start or was ended by a signal */
function run([program, ...args]: Section['command']): Promise<number> {
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH: path, SKIPPED_ADAPTERS_FILE: skippedAdaptersFile };
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      say(`${program} did not start: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function skippedAdapters(): readonly string[] {
  if (!existsSync(skippedAdaptersFile)) return [];
  const names = readFileSync(skippedAdaptersFile, 'utf8').split('\n').filter(Boolean);
  return [...new Set(names)].sort();
}

async function main(): Promise<void> {
  const sections = process.argv.includes('--checks') ? checks : [...checks, tests];
  const outcomes: (Tally & { readonly title: string })[] = [];
  for (const { title, command, tally } of sections) {
    say(`\n── ${title}: ${command[0]}`);
    outcomes.push({ title, ...tally(await run(command)) });
  }

  say('');
  for (const { failures = [] } of outcomes) for (const failure of failures) say(`failed: ${failure}`);
  for (const { title, passed, failed, skipped } of outcomes) {
    say(`${failed === 0 ? 'ok    ' : 'FAILED'}  ${title}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  const absent = skippedAdapters();
  if (absent.length > 0) say(`adapters not exercised, their server is not here: ${absent.join(', ')}`);

  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  say(`${passed} passed, ${failed} failed`);
}

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
