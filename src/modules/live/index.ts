export type { LiveApi } from './live.api.ts';
export { createLiveModule, type LiveModule } from './live.module.ts';
export { MONITORING } from './live.schemas.ts';
