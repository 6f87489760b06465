import { DEFAULT_MIGRATION_TABLE, type Kysely, type Migration, Migrator } from 'kysely';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { MigrationSet } from './sql.port.ts';

/**
 * Runs what has not run yet, in the order of the names, and refuses a schema that is newer than the program.
 * @returns the names that ran now
 */
export async function runMigrations(db: Kysely<unknown>, set: MigrationSet): Promise<readonly string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => set as Record<string, Migration> } });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
      throw newerSchema(error.message, error);
    }
    throw error;
  }
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
}

/**
 * The names of those that have not run, in their order. Changes nothing.
 * @throws AppError `unavailable` when the schema is newer than the program
 */
export async function pendingMigrations(db: Kysely<unknown>, set: MigrationSet): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  const hasRun = tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE);
  const executed = hasRun
    ? await (db as Kysely<MigrationTable>).selectFrom(DEFAULT_MIGRATION_TABLE).select('name').execute()
    : [];
  const names = new Set(executed.map(({ name }) => name));
  const unknown = [...names].find((name) => !(name in set));
  if (unknown !== undefined) throw newerSchema(`it has ${unknown}`);
  return Object.keys(set)
    .filter((name) => !names.has(name))
    .sort();
}

interface MigrationTable {
  [DEFAULT_MIGRATION_TABLE]: { name: string };
}

function newerSchema(reason: string, cause?: unknown) {
  return commonErrors.unavailable({
    detail: `The database was written by a newer version of this program (${reason}). Start that version, or restore a backup.`,
    ...defined({ cause }),
  });
}

/** Joins the modules' migrations into one set. Two with one name are a programming error. */
export function mergeMigrations(...sets: readonly MigrationSet[]): MigrationSet {
  const merged: Record<string, MigrationSet[string]> = {};
  for (const set of sets) {
    for (const [name, migration] of Object.entries(set)) {
      if (name in merged) throw new Error(`two migrations are called ${name}`);
      merged[name] = migration;
    }
  }
  return merged;
}
