import type { DatabaseSync } from 'node:sqlite';

/** Procedures for the test of the thread: a sum that is kept in the file, and the end of the thread. */
export function createProcedures(database: DatabaseSync) {
  database.exec('CREATE TABLE IF NOT EXISTS numbers (n INTEGER NOT NULL)');
  return {
    'test.add': (n: number): number => {
      database.prepare('INSERT INTO numbers VALUES (?)').run(n);
      return (database.prepare('SELECT sum(n) AS total FROM numbers').get() as { total: number }).total;
    },
    // In a thread this ends the thread only.
    'test.die': () => process.exit(1),
  };
}
