import type { DatabaseSync } from 'node:sqlite';
import { type Answer, createStatements, type Query } from './sqlite.statements.ts';

/** What the writing thread of the relational store does. */
export function createProcedures(database: DatabaseSync) {
  database.exec('PRAGMA foreign_keys=ON');
  const run = createStatements(database);
  return {
    'sql.run': (query: Query): Answer => run(query),
    /** One that is over already, because the disk ended it, needs none. */
    'sql.rollback': (): void => {
      if (database.isTransaction) database.exec('ROLLBACK');
    },
  };
}
