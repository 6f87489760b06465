export type { SystemApi } from './system.api.ts';
export { createSystemModule, type SystemModule, systemMigrations } from './system.module.ts';
