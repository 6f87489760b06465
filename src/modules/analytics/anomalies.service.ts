import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { ColumnarEngine, Columns, OutlierReport } from '#platform/columnar/columnar.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { analyticsErrors } from './analytics.errors.ts';
import type { TimeRange } from './analytics.ports.ts';
import { type AskedRange, rangeOf } from './ranges.ts';

export interface AnomalyQuery extends AskedRange {
  readonly metric: string;
  readonly window: number;
  readonly threshold: number;
  readonly limit: number;
}

export interface AnomaliesService {
  /** @throws AppError `invalid_analysis_range`, `too_many_samples` */
  find(deviceId: number, query: AnomalyQuery): Promise<OutlierReport & TimeRange>;
}

const MOST_SAMPLES = 200_000;
const SLICE = 5_000;

export function createAnomaliesService(dependencies: {
  readonly telemetry: Pick<TelemetryStore, 'aggregate' | 'series'>;
  readonly columns: Pick<ColumnarEngine, 'outliers'>;
  readonly clock: Clock;
}): AnomaliesService {
  const { telemetry, columns, clock } = dependencies;

  async function* seriesOf(deviceId: number, metric: string, { start, end }: TimeRange): AsyncGenerator<Columns> {
    for (let after: number | null | undefined; after !== null; ) {
      const slice = await telemetry.series({
        ...{ deviceId, metric, start, end, limit: SLICE },
        ...defined({ after }),
      });
      yield slice;
      after = slice.next;
    }
  }

  return {
    async find(deviceId, query) {
      const range = rangeOf(query, clock);
      const { metric, window, threshold, limit } = query;
      const edges = [range.start, range.end];
      // Counted from roll-ups, which is quick also for a range that is too long.
      const { rows } = await telemetry.aggregate({
        ...{ deviceId, metrics: [metric], edges, percentiles: [], moments: false, source: 'auto' },
      });
      const count = rows[0]?.n ?? 0;
      if (count > MOST_SAMPLES) {
        const message = `must leave ${MOST_SAMPLES} samples at the most, there are ${count}`;
        throw analyticsErrors.too_many_samples({ details: { fields: [{ path: '/query/start', message }] } });
      }
      const report = await columns.outliers(seriesOf(deviceId, metric, range), { window, threshold, limit });
      return { ...range, ...report };
    },
  };
}
