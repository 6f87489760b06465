export type { StatusChangeRecord, TelemetryApi } from './telemetry.api.ts';
export { createTelemetryModule, type IngestObserver, type TelemetryModule } from './telemetry.module.ts';
export { DEFAULT_INGEST_LIMITS, type IngestLimits, REJECT_REASONS } from './telemetry.ports.ts';
export { LogPayload, ResponsePayload, StatusPayload, TelemetryPayload } from './telemetry.schemas.ts';
export { WatchCommand as MonitoringWatchCommand } from './telemetry.socket.ts';
