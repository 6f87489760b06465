export { twinMigrations } from './migrations/index.ts';
export type { ConfigChanged } from './twin.events.ts';
export { createTwinModule, type TwinModule } from './twin.module.ts';
