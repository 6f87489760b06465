import type { Component } from '#kernel/lifecycle.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { MqttBroker, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';

/** The ports with the adapters that the settings picked. A profile builds it; nothing else knows which they are. */
export interface Infrastructure {
  readonly sql: SqlStore;
  readonly documents: DocumentStore;
  readonly telemetry: TelemetryStore;
  readonly counters: CounterStore;
  /** In start order. The document store's collections are declared before. */
  readonly components: readonly Component[];
  /** Whether devices can still be connected when this process starts. */
  readonly sessionsSurviveRestart: boolean;
  createBroker(handler: MqttHandler, maxPayloadBytes: number): MqttBroker;
}
