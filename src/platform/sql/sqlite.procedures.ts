import type { DatabaseSync } from 'node:sqlite';
import { type Answer, createStatements, type Query } from './sqlite.statements.ts';

/** What the writing thread of the relational store does. */
export function createProcedures(database: DatabaseSync) {
  database.exec('PRAGMA foreign_keys=ON');
  const run = createStatements(database);
  /** What the connection was opened with. */
  let level: 'FULL' | 'NORMAL' = 'FULL';

  /** In WAL mode a commit at NORMAL writes the log and syncs nothing; the next one at FULL syncs both. */
  function setLevel(wanted: typeof level): void {
    if (level === wanted) return;
    database.exec(`PRAGMA synchronous=${wanted}`);
    level = wanted;
  }

  return {
    'sql.run'(query: Query): Answer {
      // Set by whoever begins, so that nothing can leave the lower level behind for others.
      if (query.within !== true) setLevel(query.soon === true ? 'NORMAL' : 'FULL');
      return run(query);
    },
    /** One that is over already, because the disk ended it, needs none. */
    'sql.rollback': (): void => {
      if (database.isTransaction) database.exec('ROLLBACK');
    },
  };
}
