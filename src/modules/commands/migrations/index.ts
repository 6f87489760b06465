import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { commands } from './2026_11_26_30_commands.ts';

/** Needs the tables `users` and `devices`. */
export const commandsMigrations: MigrationSet = { '2026_11_26_30_commands': commands };
