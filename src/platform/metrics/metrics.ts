import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpRoutes } from '#platform/http/http.port.ts';

/** Prometheus metrics of one process. */
export interface Metrics {
  observeRequest(request: { method: string; route: string; status: number; elapsedMs: number }): void;
  observeBatch(batch: { readonly items: number; readonly samples: number }): void;
  observeDelay(delayMs: number): void;
  observeJob(job: { queue: string; name: string; outcome: string; elapsedMs: number }): void;
  /** `read` is called at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** One value for each set of labels. What cannot be read at a scrape is missing from it. */
  gauges(name: string, help: string, labels: readonly string[], read: () => Promise<readonly LabelledValue[]>): void;
  /** `GET /metrics` */
  readonly routes: HttpRoutes;
}

export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'core_api_http_request_duration_seconds',
    help: 'HTTP requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const items = new Counter({
    name: 'core_api_ingest_items_total',
    help: 'Items committed, rejected ones included',
    registers,
  });
  const samples = new Counter({
    name: 'core_api_ingest_samples_total',
    help: 'Telemetry samples committed',
    registers,
  });
  const batches = new Histogram({
    name: 'core_api_ingest_batch_items',
    help: 'Items of one group commit',
    buckets: [1, 10, 100, 500, 1_000, 2_000, 4_000],
    registers,
  });
  const delays = new Counter({
    name: 'core_api_ingest_delay_seconds_total',
    help: 'Time by which acknowledgements were held back by DEVICE_RATE_LIMIT',
    registers,
  });
  const jobs = new Histogram({
    name: 'core_api_job_duration_seconds',
    help: 'Jobs run by this process, by queue, name and how they ended',
    labelNames: ['queue', 'name', 'outcome'],
    buckets: [0.01, 0.1, 0.5, 1, 5, 30, 120, 600],
    registers,
  });

  return {
    observeRequest: ({ method, route, status, elapsedMs }) =>
      requests.observe({ method, route, status }, elapsedMs / 1000),
    observeBatch(batch) {
      items.inc(batch.items);
      samples.inc(batch.samples);
      batches.observe(batch.items);
    },
    observeDelay: (delayMs) => delays.inc(delayMs / 1000),
    observeJob: ({ queue, name, outcome, elapsedMs }) => jobs.observe({ queue, name, outcome }, elapsedMs / 1000),
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    gauges(name, help, labels, read) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        async collect() {
          this.reset();
          for (const each of await read().catch(() => [])) this.set(each.labels, each.value);
        },
      });
    },
    routes: (app) => {
      app.get(
        '/metrics',
        { config: { access: 'public', rateLimitExempt: true }, schema: { hide: true } },
        async (_request, reply) => {
          reply.type(registry.contentType);
          return await registry.metrics();
        },
      );
    },
  };
}
