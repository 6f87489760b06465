import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findProgram } from './servers/private-process.ts';
import { serverFor } from './servers.ts';

/**
 * The Vitest project `mariadb` runs the module tests that need SQL a second time, on MariaDB: this is its set-up
 * and the list of its test files.
 */
declare module 'vitest' {
  interface ProvidedContext {
    /** In the project `mariadb` alone. */
    readonly mariadbUrl: string | undefined;
  }
}

const ROOT = join(import.meta.dirname, '../..');

/** One server for all test files; each makes its own databases on it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await serverFor('mariadb');
  if (server === null) throw new Error('MariaDB is not here; npm run services:install installs it');
  project.provide('mariadbUrl', server.url);
  return () => server.stop();
}

/** With CI=true always, so that its absence fails. */
export async function mariadbIsExpected(): Promise<boolean> {
  if (process.env['CI'] === 'true' || process.env['TEST_MARIADB_URL'] !== undefined) return true;
  return (await findProgram('mariadbd', 'mysqld')) !== null;
}

/** Test files of the modules that make a store, by themselves or by a harness of test/support. */
export function suitesOnSql(): readonly string[] {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const support = readdirSync(join(ROOT, 'test/support'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: read(join('test/support', name)) }));
  const direct = support.filter(({ text }) => /\bcreateTestSql\b/.test(text));
  // Harnesses that are built on one of those.
  const built = support.filter(({ text }) => direct.some(({ name }) => text.includes(`'./${name}'`)));
  const makers = [...direct, ...built].map(({ name }) => `#test/support/${basename(name)}`);
  return readdirSync(join(ROOT, 'src/modules'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `src/modules/${name}`)
    .filter((path) => {
      const text = read(path);
      return makers.some((maker) => text.includes(`'${maker}'`));
    });
}
