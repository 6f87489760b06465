export type { IngestApi } from './ingest.api.ts';
export { createIngestModule, type IngestModule } from './ingest.module.ts';
export { DEFAULT_INGEST_LIMITS, type IngestLimits, rejectReasons, TELEMETRY } from './ingest.ports.ts';
export { TelemetryPayload } from './ingest.schemas.ts';
export {
  type CommandResponse,
  type DeviceResponse,
  type FirmwareResponse,
  RESPONSE_CHANNEL,
} from './response.channel.ts';
