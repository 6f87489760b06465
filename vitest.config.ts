import { defineConfig } from 'vitest/config';
import { mariadbIsExpected, suitesOnSql } from './test/support/sql.mariadb.ts';

const everywhere = {
  exclude: ['**/node_modules/**', 'test/architecture/fixture/**'],
  // What is waited for comes in the end, on a machine that is busy too; a second is a statement about the machine.
  expect: { poll: { timeout: 20_000 } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...everywhere,
          name: 'unit',
          include: ['{src,test,bench}/**/*.test.ts'],
          exclude: [...everywhere.exclude, 'test/{e2e,abuse,examples}/**'],
          // Worker threads, native addons and chdir behave in a child process as they do for users.
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // The modules' tests a second time, because every repository has to run on both dialects.
      ...((await mariadbIsExpected())
        ? [
            {
              test: {
                ...everywhere,
                name: 'mariadb',
                include: [...suitesOnSql()],
                globalSetup: './test/support/sql.mariadb.ts',
                pool: 'forks' as const,
                testTimeout: 60_000,
                hookTimeout: 60_000,
              },
            },
          ]
        : []),
      {
        test: {
          ...everywhere,
          name: 'e2e',
          include: ['test/{e2e,abuse,examples}/**/*.test.ts'],
          pool: 'forks',
          // Whole processes under load: one file at a time, after the unit tests, so that they do not measure each other.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
