export type MetricLabels = Readonly<Record<string, string>>;

export interface LabelledValue {
  readonly labels: MetricLabels;
  readonly value: number;
}

/** Grows only. */
export interface MetricCounter {
  add(value?: number, labels?: MetricLabels): void;
}

export interface MetricHistogram {
  observe(value: number, labels?: MetricLabels): void;
}

/**
 * Where a module registers what it measures, once, when it is built: `core_api_<subject>_<unit>`, in the base units
 * of Prometheus (seconds, bytes), `_total` for a counter. Each name is in the table of docs/operations.md. A label has
 * few values: never an id or anything that a client chooses.
 */
export interface MetricRegistry {
  counter(name: string, help: string, labels?: readonly string[]): MetricCounter;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): MetricHistogram;
  /** `read` is called at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** One value for each set of labels. What cannot be read at a scrape is missing from it. */
  gauges(name: string, help: string, labels: readonly string[], read: () => Promise<readonly LabelledValue[]>): void;
}
