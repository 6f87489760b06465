export { LOG_CHANNEL } from './log.channel.ts';
export type { MetricSummary, StatusChangeRecord, SummaryRange, TelemetryApi } from './telemetry.api.ts';
export { createDeviceLogs, type DeviceLogs } from './telemetry.logs.ts';
export { createTelemetryModule, type TelemetryModule } from './telemetry.module.ts';
export { LOG_RETENTION_MS } from './telemetry.ports.ts';
