import uPlot from 'uplot';

/** One line of a chart. */
export interface ChartSeries {
  readonly key: string;
  readonly label: string;
  /** Instants in epoch milliseconds, rising. */
  readonly at: readonly number[];
  /** Null: nothing was measured, the line breaks. */
  readonly values: readonly (number | null)[];
  /** The band around the line, such as minimum and maximum of each interval. */
  readonly band?: { readonly low: readonly (number | null)[]; readonly high: readonly (number | null)[] };
  /** A calculated line, which has no gaps, or one of another time. Default: what was measured. */
  readonly kind?: 'model' | 'past';
  /** Longest distance between two points; beyond it the line breaks. Default: four times the median. */
  readonly gapMs?: number;
  /** Default: by its place among the lines. */
  readonly color?: string;
}

/** Colours that are told apart with and without red and green, light enough for the dark and dark enough for the light. */
const COLOURS = ['#0b7fab', '#d9480f', '#2b8a3e', '#9c36b5', '#c2255c', '#5f3dc4', '#846200', '#087f5b'];

export const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? '#0b7fab';

/** Breaks a line where nothing was measured: a null between two points that are too far apart. */
export function withGaps(series: ChartSeries): ChartSeries {
  const { at, values, band } = series;
  const longest = series.gapMs ?? gapOf(at);
  if (at.length < 2 || longest <= 0 || series.kind === 'model') return series;
  const breaks = new Set<number>();
  for (let index = 1; index < at.length; index += 1) {
    if ((at[index] ?? 0) - (at[index - 1] ?? 0) > longest) breaks.add(index);
  }
  if (breaks.size === 0) return series;
  const insert = <Value>(list: readonly Value[], between: (index: number) => Value) =>
    list.flatMap((value, index) => (breaks.has(index) ? [between(index), value] : [value]));
  const nothing = (list: readonly (number | null)[]) => insert<number | null>(list, () => null);
  return {
    ...series,
    at: insert(at, (index) => (at[index - 1] ?? 0) + 1),
    values: nothing(values),
    ...(band === undefined ? {} : { band: { low: nothing(band.low), high: nothing(band.high) } }),
  };
}

/** So much longer than usual, and something is missing. @param everyMs how far apart points are at the least */
export const gapOf = (at: readonly number[], everyMs = 0): number => 4 * Math.max(medianDistance(at), everyMs);

function medianDistance(at: readonly number[]): number {
  const step = Math.max(1, Math.floor(at.length / 500));
  const distances: number[] = [];
  for (let index = 1; index < at.length; index += step) distances.push((at[index] ?? 0) - (at[index - 1] ?? 0));
  distances.sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

const EXPAND: uPlot.JoinNullMode = 2;

/** Lines with instants of their own, as uPlot takes them: one column of instants, null where a line breaks. */
export function aligned(series: readonly ChartSeries[]): uPlot.AlignedData {
  const tables = series.map(({ at, values, band }) =>
    band === undefined ? [at, values] : [at, values, band.low, band.high],
  );
  if (tables.length === 0) return [[]];
  if (tables.length === 1) return tables[0] as unknown as uPlot.AlignedData;
  // A gap reaches to the next point of its own line, whatever other lines have meanwhile.
  const expanded = tables.map((columns) => columns.map((): uPlot.JoinNullMode => EXPAND));
  return uPlot.join(tables as unknown as uPlot.AlignedData[], expanded);
}
