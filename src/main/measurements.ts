import { isAppError } from '#kernel/errors.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { CommitListener } from '#platform/channels/channel.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { HttpServerOptions } from '#platform/http/http.server.ts';
import type { JobObserver, Jobs } from '#platform/jobs/jobs.port.ts';
import type { MetricRegistry } from '#platform/metrics/metrics.port.ts';
import type { MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';

const STORE_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

export type Measurements = ReturnType<typeof createMeasurements>;

/** What is measured around the ports, so that nothing inside them knows of it. */
export function createMeasurements(metrics: MetricRegistry) {
  const requests = metrics.histogram(
    'core_api_http_request_duration_seconds',
    'HTTP requests by method, route and status',
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    ['method', 'route', 'status'],
  );
  const items = metrics.counter('core_api_ingest_items_total', 'Items committed, rejected ones included');
  const samples = metrics.counter('core_api_ingest_samples_total', 'Telemetry samples committed');
  const batchItems = metrics.histogram(
    'core_api_ingest_batch_items',
    'Items of one group commit',
    [1, 10, 100, 500, 1_000, 2_000, 4_000],
  );
  const delays = metrics.counter(
    'core_api_ingest_delay_seconds_total',
    'Time by which acknowledgements were held back by DEVICE_RATE_LIMIT',
  );
  const jobs = metrics.histogram(
    'core_api_job_duration_seconds',
    'Jobs run by this process, by queue, name and how they ended',
    [0.01, 0.1, 0.5, 1, 5, 30, 120, 600],
    ['queue', 'name', 'outcome'],
  );
  const operations = metrics.histogram(
    'core_api_store_operation_seconds',
    'Operations of the stores, by store and operation',
    STORE_BUCKETS,
    ['store', 'operation'],
  );
  const failures = metrics.counter(
    'core_api_store_failures_total',
    'Operations that a store did not do because it was away or broken',
    ['store', 'operation'],
  );
  const logins = metrics.counter('core_api_mqtt_logins_total', 'Logins at the broker in this process', ['outcome']);
  const refusals = metrics.counter('core_api_mqtt_refused_total', 'Messages and subscriptions refused', ['reason']);

  const claims = metrics.counter(
    'core_api_claim_attempts_total',
    'Tries of devices to register themselves in this process, by how they ended: `done`, or the code of what was wrong',
    ['result'],
  );
  const downloads = metrics.counter(
    'core_api_firmware_downloads_total',
    'Downloads of firmware from this process, parts of an image likewise, by how they ended',
    ['outcome'],
  );
  const downloadedBytes = metrics.counter(
    'core_api_firmware_download_bytes_total',
    'Bytes of firmware that this process has sent',
  );

  /** The same port with some of its methods timed. */
  function timed<T extends object>(store: string, port: T, methods: readonly (keyof T & string)[]): T {
    const measured = { ...port };
    for (const operation of methods) {
      const labels = { store, operation };
      const method = port[operation] as (...args: readonly unknown[]) => Promise<unknown>;
      measured[operation] = (async (...args: readonly unknown[]) => {
        const startedAt = performance.now();
        try {
          return await method(...args);
        } catch (error) {
          // That an e-mail is taken is no failure of the store.
          if (!isAppError(error) || error.kind === 'unavailable') failures.add(1, labels);
          throw error;
        } finally {
          operations.observe((performance.now() - startedAt) / 1000, labels);
        }
      }) as T[typeof operation];
    }
    return measured;
  }

  return {
    http: (({ method, route, status, elapsedMs }) =>
      requests.observe(elapsedMs / 1000, {
        method,
        route,
        status: String(status),
      })) satisfies HttpServerOptions['onResponse'],

    ingest: {
      listener: {
        name: 'metrics',
        committed(batch) {
          items.add(batch.items);
          samples.add(batch.samples.length);
          batchItems.observe(batch.items);
        },
      } satisfies CommitListener,
      delayed: (delayMs: number): void => delays.add(delayMs / 1000),
    },

    claims: { attempted: (result: string): void => claims.add(1, { result }) },

    jobs: {
      finished: ({ queue, name, outcome, elapsedMs }) => jobs.observe(elapsedMs / 1000, { queue, name, outcome }),
    } satisfies JobObserver,

    queues(source: Pick<Jobs, 'counts'>): void {
      metrics.gauges('core_api_jobs', 'Jobs of all processes, by queue and state', ['queue', 'state'], async () =>
        Object.entries(await source.counts()).flatMap(([queue, states]) =>
          Object.entries(states).map(([state, value]) => ({ labels: { queue, state }, value })),
        ),
      );
    },

    /** Images that devices get, part by part: a download that goes on later counts again. */
    images: (blobs: BlobStore): BlobStore => ({
      ...blobs,
      async *read(id, range) {
        let outcome = 'cut_off';
        try {
          for await (const part of blobs.read(id, range)) {
            yield part;
            downloadedBytes.add(part.length);
          }
          outcome = 'completed';
        } finally {
          downloads.add(1, { outcome });
        }
      },
    }),

    sql: (store: SqlStore): SqlStore => timed('sql', store, ['transaction']),
    telemetry: (store: TelemetryStore): TelemetryStore =>
      timed('telemetry', store, ['append', 'latest', 'history', 'ledger', 'totals', 'deleteOlderThan']),
    documents: (store: DocumentStore): DocumentStore => ({
      ...store,
      collection: (definition) =>
        timed('documents', store.collection(definition), [
          'insertMany',
          'findById',
          'list',
          'count',
          'updateMany',
          'removeMany',
        ]),
    }),

    /** Counts what the broker in this process tells; an outside broker is measured there. */
    mqtt(handler: MqttHandler): MqttHandler {
      const connected = new Set<number>();
      metrics.gauge(
        'core_api_mqtt_devices_connected',
        'Devices connected, as this process knows',
        () => connected.size,
      );
      return {
        ...handler,
        async authenticate(identity, from) {
          const device = await handler.authenticate(identity, from);
          logins.add(1, { outcome: device === null || 'refused' in device ? 'refused' : 'accepted' });
          return device;
        },
        connected(device, info) {
          connected.add(device.deviceId);
          handler.connected(device, info);
        },
        disconnected(device, by) {
          connected.delete(device.deviceId);
          handler.disconnected(device, by);
        },
        refused(device, reason, acknowledge) {
          refusals.add(1, { reason });
          handler.refused(device, reason, acknowledge);
        },
      };
    },
  };
}
