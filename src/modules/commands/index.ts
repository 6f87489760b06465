export type { CommandChanged } from './commands.events.ts';
export { type CommandsModule, createCommandsModule } from './commands.module.ts';
export { commandsMigrations } from './migrations/index.ts';
