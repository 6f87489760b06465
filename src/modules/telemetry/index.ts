export { createTelemetryModule, type IngestObserver, type TelemetryModule } from './telemetry.module.ts';
export { DEFAULT_INGEST_LIMITS, type IngestLimits } from './telemetry.ports.ts';
