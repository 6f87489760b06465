import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { type LiveEvents, useLive, type Watched } from '#console/api/live.ts';
import type { components } from '#console/api/schema.d.ts';
import { type ChartSeries, gapOf } from '#console/charts/time-chart.data.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import type { Device } from './device.data.ts';

export type Sample = LiveEvents['telemetry'];
export type LatestValue = components['schemas']['LatestValue'];

/** Of each metric: beyond it the oldest live points go. The history is read again long before. */
export const MOST_POINTS = 2_000;
/** Raw samples that are read where the API does not aggregate for this role: pages of a thousand. */
const MOST_PAGES = 5;
export const TELL_MS = 500;
export const HOUR_MS = 3_600_000;

export interface Points {
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
}

export interface History extends Points {
  /** Of averages: how long each of them is. */
  readonly everyMs?: number;
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

/** What can be drawn: numbers, and booleans as 0 and 1. */
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null;

/** What a device sends from now on, told at most twice a second. */
function useLiveSamples(uid: string, listener: (samples: readonly Sample[]) => void, watched: Watched): void {
  const waiting = useRef<Sample[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const collect = (sample: Sample) => {
    waiting.current.push(sample);
    if (waiting.current.length > MOST_POINTS) waiting.current.shift();
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      listener(waiting.current.splice(0));
    }, TELL_MS);
  };
  useLive({ device_uid: uid }, 'telemetry', collect, watched);
}

/** The last value of each metric, as it comes in. */
export function useLatest({ id, device_uid }: Device) {
  const input = { params: { path: { device_id: id } } };
  const query = api.useQuery('get', '/api/v1/devices/{device_id}/telemetry/latest', input);
  const [live, setLive] = useState<Readonly<Record<string, LatestValue>>>({});
  useLiveSamples(
    device_uid,
    (samples) => setLive((before) => samples.reduce(withSample, before)),
    (isLate) => void query.refetch({ cancelRefetch: isLate }),
  );
  const stored = query.data?.metrics;
  const metrics = useMemo(() => {
    const merged = new Map(Object.entries(stored ?? {}));
    for (const [name, latest] of Object.entries(live)) {
      const known = merged.get(name);
      if (known === undefined || known.timestamp <= latest.timestamp) merged.set(name, latest);
    }
    return [...merged].sort(([a], [b]) => a.localeCompare(b));
  }, [stored, live]);
  return { ...query, metrics };
}

function withSample(before: Readonly<Record<string, LatestValue>>, { timestamp, metrics }: Sample) {
  const newer = Object.entries(metrics).filter(([name]) => (before[name]?.timestamp ?? '') <= timestamp);
  return { ...before, ...Object.fromEntries(newer.map(([name, value]) => [name, { value, timestamp }])) };
}

export interface Asked {
  readonly id: number;
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** Averages with their extremes, about 500 of them. */
export async function readAggregated(
  { id, metrics, from, to }: Asked,
  signal: AbortSignal,
): Promise<Map<string, History>> {
  const query = { ...spanOf(from, to), interval: 'auto', metrics: metrics.join(','), agg: 'avg,min,max' };
  const { data, error } = await client.GET('/api/v1/analytics/telemetry/{device_id}', {
    params: { path: { device_id: id }, query },
    signal,
  });
  if (error !== undefined) throw error;
  return new Map(
    metrics.map((metric) => {
      const found = data.buckets.flatMap(({ timestamp, metrics: values }) => {
        const { avg, min, max } = (values[metric] ?? {}) as Record<string, unknown>;
        const average = numberOf(avg);
        return average === null ? [] : [[Date.parse(timestamp), average, numberOf(min), numberOf(max)] as const];
      });
      const line = { at: found.map(([at]) => at), values: found.map(([, average]) => average) };
      return [
        metric,
        {
          ...line,
          everyMs: msOf(data.interval),
          low: found.map(([, , min]) => min),
          high: found.map(([, , , max]) => max),
        },
      ];
    }),
  );
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ s: 1_000, m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS, mo: 30 * 24 * HOUR_MS },
};

/** An interval of the API, such as `5m`. */
function msOf(interval: string): number {
  const [, count = '', unit = ''] = /^(\d+)([a-z]+)$/.exec(interval) ?? [];
  return Number(count) * (UNIT_MS[unit] ?? 0);
}

/** The samples themselves, the newest ones where there are too many. */
export async function readRaw(asked: Asked, signal: AbortSignal): Promise<Map<string, History>> {
  return (await readSamples(asked, signal)).lines;
}

/** @returns also whether there were more samples than are read */
export async function readSamples({ id, metrics, from, to }: Asked, signal: AbortSignal, mostPages = MOST_PAGES) {
  const samples: { readonly timestamp: string; readonly metrics: Readonly<Record<string, unknown>> }[] = [];
  const asked = { ...spanOf(from, to), metrics: metrics.join(','), limit: 1_000, order: 'desc' as const };
  let cursor: string | null = '';
  for (let page = 0; page < mostPages && cursor !== null; page += 1) {
    const query: typeof asked & { cursor?: string } = cursor === '' ? asked : { ...asked, cursor };
    const { data, error } = await client.GET('/api/v1/devices/{device_id}/telemetry', {
      params: { path: { device_id: id }, query },
      signal,
    });
    if (error !== undefined) throw error;
    samples.push(...data.items);
    cursor = data.next_cursor;
  }
  samples.reverse();
  return { lines: pointsOf(samples, metrics), isCut: cursor !== null };
}

export const spanOf = (from: number, to: number) => ({
  start: new Date(from).toISOString(),
  end: new Date(to).toISOString(),
});

export function pointsOf(
  samples: readonly { readonly timestamp: string; readonly metrics: Readonly<Record<string, unknown>> }[],
  metrics: readonly string[],
): Map<string, History> {
  return new Map(
    metrics.map((metric) => {
      const found = samples.flatMap(({ timestamp, metrics: values }) => {
        const value = numberOf(values[metric]);
        return value === null ? [] : [[Date.parse(timestamp), value] as const];
      });
      return [metric, { at: found.map(([at]) => at), values: found.map(([, value]) => value) }];
    }),
  );
}

/** A span that ends now and moves on, or a fixed one. */
export type Span = { readonly lastMs: number } | { readonly from: number; readonly to: number };

/** Lines of metrics: their history, read again every minute, and what has come since. */
export function useLines({ id, device_uid }: Device, metrics: readonly string[], span: Span) {
  const { role } = useUser();
  const isAggregated = isAtLeast(role, 'MANAGER');
  const isMoving = 'lastMs' in span;
  const query = useQuery({
    queryKey: ['device-history', id, metrics, span, isAggregated],
    enabled: metrics.length > 0,
    queryFn: ({ signal }) => {
      const to = isMoving ? Date.now() + 1_000 : span.to;
      const asked = { id, metrics, from: isMoving ? to - span.lastMs : span.from, to };
      return isAggregated ? readAggregated(asked, signal) : readRaw(asked, signal);
    },
    refetchInterval: isMoving ? 60_000 : false,
    placeholderData: keepPreviousData,
  });
  const [live, setLive] = useState<readonly Sample[]>([]);
  const history = query.data;
  useLiveSamples(
    device_uid,
    (samples) => {
      if (isMoving) setLive((before) => newSince(history, [...before, ...samples]));
    },
    (isLate) => {
      if (isMoving && metrics.length > 0) void query.refetch({ cancelRefetch: isLate });
    },
  );
  const lines = useMemo(() => {
    const since = isMoving ? pointsOf(live, metrics) : new Map<string, Points>();
    return metrics.map((metric) => lineOf(metric, history?.get(metric), since.get(metric)));
  }, [history, live, metrics, isMoving]);
  return { lines, error: query.error, refetch: query.refetch, isLoading: query.isLoading };
}

/** In order, what the history does not have: the samples after its end. At most `MOST_POINTS`, the newest. */
export function newSince(history: ReadonlyMap<string, History> | undefined, samples: readonly Sample[]): Sample[] {
  const end = Math.max(...[...(history?.values() ?? [])].map(({ at }) => at.at(-1) ?? 0), 0);
  const from = new Date(end).toISOString();
  return samples
    .filter(({ timestamp }) => timestamp > from)
    .sort(byTime)
    .slice(-MOST_POINTS);
}

const byTime = (a: Sample, b: Sample) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0);

/** History, then the live points after its end. */
export function lineOf(metric: string, history: History | undefined, live: Points | undefined): ChartSeries {
  const past = history ?? { at: [], values: [] };
  const end = past.at.at(-1) ?? Number.NEGATIVE_INFINITY;
  const begin = live?.at.findIndex((at) => at > end) ?? -1;
  const at = live === undefined || begin < 0 ? [] : live.at.slice(begin);
  const values = live === undefined || begin < 0 ? [] : live.values.slice(begin);
  return {
    key: metric,
    label: metric,
    at: [...past.at, ...at],
    ...(past.at.length > 1 ? { gapMs: gapOf(past.at, past.everyMs) } : {}),
    values: [...past.values, ...values],
    ...(past.low === undefined || past.high === undefined
      ? {}
      : { band: { low: [...past.low, ...values], high: [...past.high, ...values] } }),
  };
}
