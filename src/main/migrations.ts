import { authMigrations } from '#modules/auth/index.ts';
import { devicesMigrations } from '#modules/devices/index.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { mergeMigrations } from '#platform/sql/migrate.ts';

/** The relational schema: every module's migrations, in the order of their names. */
export const MIGRATIONS = mergeMigrations(usersMigrations, authMigrations, devicesMigrations);
