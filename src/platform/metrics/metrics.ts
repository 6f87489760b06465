import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpRoutes } from '#platform/http/http.port.ts';
import type { MetricRegistry } from './metrics.port.ts';

/** Prometheus metrics of one process. */
export interface Metrics extends MetricRegistry {
  /** `GET /metrics` */
  readonly routes: HttpRoutes;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Sums of gauges that are there with their kinds; by the rules of Prometheus only a counter is called total.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);

  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers });
      return { add: (value = 1, given = {}) => counter.inc(given, value) };
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], registers });
      return { observe: (value, given = {}) => histogram.observe(given, value) };
    },
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
        { config: { access: 'public', rateLimitExempt: true, operations: true }, schema: { hide: true } },
        async (_request, reply) => {
          reply.type(registry.contentType);
          return await registry.metrics();
        },
      );
    },
  };
}
