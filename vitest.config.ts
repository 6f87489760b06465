import { defineConfig } from 'vitest/config';
import { mariadbIsExpected, suitesOnSql } from './test/support/sql.mariadb.ts';

const everywhere = { exclude: ['**/node_modules/**', 'test/architecture/fixture/**'] };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...everywhere,
          name: 'unit',
          include: ['{src,test,bench}/**/*.test.ts'],
          exclude: [...everywhere.exclude, 'test/{e2e,abuse}/**'],
          // Worker threads, native addons and chdir behave in a child process as they do for users.
          pool: 'forks',
          testTimeout: 15_000,
          hookTimeout: 15_000,
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
                testTimeout: 30_000,
                hookTimeout: 30_000,
              },
            },
          ]
        : []),
      {
        test: {
          ...everywhere,
          name: 'e2e',
          include: ['test/{e2e,abuse}/**/*.test.ts'],
          pool: 'forks',
          // Whole processes under load: one file at a time, after the unit tests, so that they do not measure each other.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
