export { createLiveModule, type LiveApi, type LiveModule } from './live.module.ts';
export { MONITORING } from './live.schemas.ts';
