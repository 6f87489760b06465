export { type AnalyticsModule, createAnalyticsModule } from './analytics.module.ts';
