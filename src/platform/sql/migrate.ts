import { type Kysely, type Migration, Migrator } from 'kysely';
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
      throw commonErrors.unavailable({
        detail: `The database was written by a newer version of this program (${error.message}). Start that version, or restore a backup.`,
        cause: error,
      });
    }
    throw error;
  }
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
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
