import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';

export type Totals = components['schemas']['LedgerTotals'];

/** Pages that nobody looks at ask for nothing: the polling stops with their visibility. */
export const FAST_MS = 2_000;
export const SLOW_MS = 10_000;

/** Ten minutes of a look every two seconds. */
const MOST_POINTS = 300;
const RATES = ['overview', 'rates'];

/** What was counted at an instant, in epoch milliseconds. */
interface Count {
  readonly at: number;
  readonly items: number;
}

/** The rate between two counts belongs to the later one. */
export interface Rates {
  readonly at: readonly number[];
  /** Messages per second. */
  readonly values: readonly number[];
  /** The average over all of it; null while there is nothing to compare. */
  readonly average: number | null;
  readonly spanMs: number;
}

function ratesOf(counts: readonly Count[]): Rates {
  const at: number[] = [];
  const values: number[] = [];
  for (let index = 1; index < counts.length; index += 1) {
    const [before, now] = [counts[index - 1], counts[index]];
    if (before === undefined || now === undefined) continue;
    at.push(now.at);
    values.push(Math.max(0, ((now.items - before.items) * 1_000) / (now.at - before.at)));
  }
  const [first, last] = [counts[0], counts.at(-1)];
  const spanMs = first === undefined || last === undefined ? 0 : last.at - first.at;
  const average = spanMs === 0 ? null : (((last?.items ?? 0) - (first?.items ?? 0)) * 1_000) / spanMs;
  return { at, values, average, spanMs };
}

const settled = ({ received, in_flight }: Totals): number => received - in_flight;

/** The totals of all ledgers, and how fast they grow, as far back as this page has looked. */
export function useTraffic() {
  const isManager = isAtLeast(useUser().role, 'MANAGER');
  const cache = useQueryClient();
  const query = api.useQuery('get', '/api/v1/ingest/ledger', {}, { enabled: isManager, refetchInterval: FAST_MS });
  const [rates, setRates] = useState<Rates>(() => ratesOf(cache.getQueryData<Count[]>(RATES) ?? []));
  const { data } = query;
  useEffect(() => {
    if (data === undefined) return;
    const at = Date.parse(data.counted_at);
    const before = cache.getQueryData<Count[]>(RATES) ?? [];
    const last = before.at(-1);
    if (last !== undefined && at <= last.at) return;
    // An installation that was set up anew counts from zero again.
    const kept = last !== undefined && settled(data) < last.items ? [] : before.slice(1 - MOST_POINTS);
    const counts = [...kept, { at, items: settled(data) }];
    cache.setQueryData(RATES, counts);
    setRates(ratesOf(counts));
  }, [data, cache]);
  return { ...query, rates };
}
