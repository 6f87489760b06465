import { useQueries } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { listen } from '#console/api/live.ts';
import type { components } from '#console/api/schema.d.ts';
import type { ChartSeries } from '#console/charts/time-chart.data.ts';
import {
  type History,
  lineOf,
  MOST_POINTS,
  newSince,
  numberOf,
  type Points,
  pointsOf,
  readAggregated,
  readSamples,
  type Sample,
  TELL_MS,
} from '#console/pages/device/telemetry.data.ts';
import { type Choice, type Fixed, rangeOf } from './explore.state.ts';

export type Device = components['schemas']['Device'];

/** Up to it the samples themselves are read, if they are not too many: 15 minutes, and what a clock may be off. */
const RAW_MS = 16 * 60_000;
const MINUTE_MS = 60_000;

/** The devices of a choice: those that are gone, or that one may not see, are left out. */
export function useDevices(ids: readonly number[]) {
  return useQueries({
    queries: ids.map((device_id) =>
      api.queryOptions('get', '/api/v1/devices/{device_id}', { params: { path: { device_id } } }),
    ),
    combine: (results) => ({
      devices: results.flatMap(({ data }) => (data === undefined ? [] : [data])),
      isLoading: results.some(({ isLoading }) => isLoading),
      error: results.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
}

/** Every metric with numbers that any of the devices has sent. */
export function useMetricNames(ids: readonly number[]): readonly string[] {
  const names = useQueries({
    queries: ids.map((device_id) =>
      api.queryOptions('get', '/api/v1/devices/{device_id}/telemetry/latest', { params: { path: { device_id } } }),
    ),
    combine: (results) =>
      results
        .flatMap(({ data }) => Object.entries(data?.metrics ?? {}))
        .filter(([, { value }]) => numberOf(value) !== null)
        .map(([name]) => name),
  });
  return useMemo(() => [...new Set(names)].sort(), [names]);
}

interface AskedHistory extends Fixed {
  readonly id: number;
  readonly metrics: readonly string[];
}

/** Samples where the range is short and one request brings them; else averages with their extremes, finer with every zoom. */
async function readHistory(asked: AskedHistory, signal: AbortSignal): Promise<Map<string, History>> {
  if (asked.to - asked.from <= RAW_MS) {
    const { lines, isCut } = await readSamples(asked, signal, 1);
    if (!isCut) return lines;
  }
  return await readAggregated(asked, signal);
}

type HistoryOf = (uid: string) => ReadonlyMap<string, History> | undefined;

/** What the devices send from now on, as long as it is wanted: uid → samples, told at most twice a second. */
function useLiveTail(
  uids: readonly string[],
  isLive: boolean,
  historyOf: HistoryOf,
): ReadonlyMap<string, readonly Sample[]> {
  const [tail, setTail] = useState<ReadonlyMap<string, readonly Sample[]>>(new Map());
  const waiting = useRef<Sample[]>([]);
  const latest = useRef(historyOf);
  latest.current = historyOf;
  const key = uids.join(',');
  useEffect(() => {
    setTail(new Map());
    if (!isLive || key === '') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      const samples = waiting.current.splice(0);
      setTail((before) => {
        const next = new Map(before);
        for (const sample of samples) next.set(sample.device_uid, [...(next.get(sample.device_uid) ?? []), sample]);
        return new Map([...next].map(([uid, all]) => [uid, newSince(latest.current(uid), all)]));
      });
    };
    const ends = key.split(',').map((device_uid) =>
      listen({ device_uid }, 'telemetry', (sample) => {
        waiting.current.push(sample);
        if (waiting.current.length > MOST_POINTS) waiting.current.shift();
        timer ??= setTimeout(tell, TELL_MS);
      }),
    );
    return () => {
      clearTimeout(timer);
      waiting.current = [];
      for (const end of ends) end();
    };
  }, [key, isLive]);
  return tail;
}

export interface Line extends ChartSeries {
  readonly device: Device;
  readonly metric: string;
  /** Of the same span just before. */
  readonly isBefore?: boolean;
}

interface Read {
  readonly lines: ReadonlyMap<string, History>;
  readonly shift: number;
}

const NONE: ReadonlyMap<string, Points> = new Map();

/** A line for each device and metric; after those, where asked for, the same of the span before, moved onto this one. */
export function useExploredLines(devices: readonly Device[], { metrics, base, zoom, overlays }: Choice) {
  const isLive = zoom === undefined && typeof base === 'string';
  const compare = overlays.includes('before');
  const options = (device: Device, back: 0 | 1) => ({
    queryKey: ['explore', device.id, metrics, zoom ?? base, back],
    enabled: metrics.length > 0,
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const { from, to } = rangeOf({ base, zoom }, Date.now());
      const shift = back * (to - from);
      const asked = { id: device.id, metrics, from: from - shift, to: to - shift + (isLive && back === 0 ? 1_000 : 0) };
      return { lines: await readHistory(asked, signal), shift };
    },
    refetchInterval: isLive ? MINUTE_MS : (false as const),
  });
  const histories = useQueries({ queries: devices.map((device) => options(device, 0)) });
  const befores = useQueries({ queries: compare ? devices.map((device) => options(device, 1)) : [] });
  const tail = useLiveTail(
    devices.map(({ device_uid }) => device_uid),
    isLive,
    (uid) => histories[devices.findIndex(({ device_uid }) => device_uid === uid)]?.data?.lines,
  );
  // Queries of a list do not keep what they had before a zoom; without it the charts would be gone for a moment.
  const last = useRef(new Map<string, Read>());
  const kept = (device: Device | undefined, back: 0 | 1, data: Read | undefined) => {
    const key = `${device?.id} ${back}`;
    if (data !== undefined) last.current.set(key, data);
    return last.current.get(key);
  };
  const reads = histories.map(({ data }, index) => kept(devices[index], 0, data));
  const readsBefore = befores.map(({ data }, index) => kept(devices[index], 1, data));
  const stamp = [...histories, ...befores].map(({ dataUpdatedAt }) => dataUpdatedAt).join();
  const lines = useMemo(() => {
    const nameOf = (device: Device, metric: string) =>
      devices.length === 1 ? metric : metrics.length === 1 ? device.name : `${device.name} · ${metric}`;
    const now = devices.flatMap((device, index) => {
      const samples = tail.get(device.device_uid) ?? [];
      const live = samples.length === 0 ? NONE : pointsOf(samples, metrics);
      return metrics.map(
        (metric): Line => ({
          ...lineOf(metric, reads[index]?.lines.get(metric), live.get(metric)),
          ...{ device, metric, key: `${device.id} ${metric}`, label: nameOf(device, metric) },
        }),
      );
    });
    const then = readsBefore.flatMap((data, index) => {
      const device = devices[index];
      if (data === undefined || device === undefined) return [];
      return metrics.map((metric): Line => {
        const { at, values, gapMs = 0 } = lineOf(metric, data.lines.get(metric), undefined);
        const label = nameOf(device, metric);
        const moved = { at: at.map((each) => each + data.shift), values, gapMs };
        return { ...moved, device, metric, key: `${device.id} ${metric} before`, label, kind: 'past', isBefore: true };
      });
    });
    return [...now, ...then];
  }, [stamp, tail, devices, metrics.join()]);
  const all = [...histories, ...befores];
  return {
    lines,
    /** Of the averages that are drawn; undefined: samples, or nothing. */
    everyMs: Math.max(...reads.map((read) => everyMsOf(read?.lines)), 0) || undefined,
    isLoading: all.some(({ isLoading }) => isLoading),
    error: all.find(({ error }) => error !== null)?.error ?? null,
    refetch: () => Promise.all(all.map(({ refetch }) => refetch())),
  };
}

const everyMsOf = (lines: ReadonlyMap<string, History> | undefined): number =>
  Math.max(...[...(lines?.values() ?? [])].map(({ everyMs = 0 }) => everyMs), 0);

/** A file that the server makes of the samples themselves. */
export async function exportSamples(
  { id }: Device,
  metrics: readonly string[],
  { from, to }: Fixed,
  format: 'csv' | 'parquet',
) {
  const query = {
    start: new Date(from).toISOString(),
    end: new Date(to).toISOString(),
    metrics: metrics.join(','),
    format,
  };
  const { data, error } = await client.GET('/api/v1/analytics/export/{device_id}', {
    params: { path: { device_id: id }, query },
    parseAs: 'blob',
  });
  if (error !== undefined) throw error;
  return data as unknown as Blob;
}
