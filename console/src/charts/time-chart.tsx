import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { chartTexts } from './chart.texts.ts';
import { draggableLines, type Held } from './threshold-drag.ts';
import { aligned, type ChartSeries, colourOf, withGaps } from './time-chart.data.ts';
import { alone, drawPoints, EDGE, type MarkedPoint, timeLabels, toPicture } from './time-chart.marks.ts';
import { touchable } from './touch.ts';

export type Range = readonly [from: number, to: number];

/** A level that lines are compared with, such as that of an alert rule. */
export interface Threshold {
  readonly value: number;
  readonly label: string;
  readonly color?: string;
}

export interface TimeChartProps {
  readonly series: readonly ChartSeries[];
  /** What it is of, for those who do not see it. */
  readonly label: string;
  /** Of its picture; default: the label. */
  readonly title?: string;
  /** Epoch milliseconds. Without: what the lines span. */
  readonly range?: Range | undefined;
  /** Told when somebody drags over a part of it, or moves it by fingers. */
  readonly onRange?: (range: Range) => void;
  /** Told on a double click: back to where one came from. */
  readonly onReset?: () => void;
  readonly height?: number;
  readonly unit?: string | undefined;
  /** Charts with the same key share their cursor. */
  readonly syncKey?: string;
  readonly thresholds?: readonly Threshold[];
  /** Spans that are shaded: of alerts, of anomalies. */
  readonly spans?: readonly { readonly from: number; readonly to: number; readonly color: string }[];
  /** Told while somebody drags a threshold, with its index. */
  readonly onThreshold?: ((index: number, value: number) => void) | undefined;
  /** Single points that stand out, such as anomalies. */
  readonly points?: readonly MarkedPoint[];
  /** Filled with what makes a picture of the chart. */
  readonly picture?: RefObject<(() => Promise<Blob>) | null>;
}

/** So few points in sight are shown as points, too. */
const SPARSE = 40;

const INK = {
  light: { text: '#5c636b', grid: '#e9ecef', paper: '#ffffff' },
  dark: { text: '#a6adb4', grid: '#3b3f45', paper: '#242424' },
};

/** Below this many pixels of height the legend tells the time only while it is looked at: the values have the room. */
const SMALL = 240;

/** Lines over time: drag to zoom, double click to go back. */
export function TimeChart(props: TimeChartProps) {
  const { series, label, range, height = 240, unit, syncKey, onRange, onReset } = props;
  const { ref, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const scheme = useComputedColorScheme('light');
  const { language } = useLanguage();
  const t = useTexts(chartTexts);
  const time = t('time');
  const held = useRef<Held>({ range: null, isTouched: false });
  const broken = useMemo(() => series.map((each) => withGaps(each)), [series]);
  const data = useMemo(() => aligned(broken), [broken]);
  // What a new plot is needed for; new points alone are handed to the present one.
  const shape = JSON.stringify([
    series.map((each) => [each.key, each.label, each.band !== undefined, each.kind, each.color]),
    onRange !== undefined,
  ]);

  useEffect(() => {
    if (host.current === null || width === 0) return;
    const options = optionsOf({ series: latest.current.series, scheme, unit, syncKey, language, time, latest, held });
    const created = new uPlot({ ...options, width, height }, data, host.current);
    plot.current = created;
    const { picture } = latest.current;
    if (picture !== undefined)
      picture.current = () => toPicture(created, latest.current.title ?? latest.current.label, INK[scheme]);
    return () => {
      plot.current = null;
      if (picture !== undefined) picture.current = null;
      created.destroy();
    };
  }, [shape, scheme, unit, syncKey, language, width === 0]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  const [from, to] = range ?? [];
  useEffect(() => {
    const current = plot.current;
    if (current === null) return;
    current.batch(() => {
      current.setData(data, from === undefined);
      // Fingers hold what they have moved.
      if (from !== undefined && to !== undefined && !held.current.isTouched)
        current.setScale('x', { min: from, max: to });
      // It does so by itself only where the cursor is over the plot.
      if (typeof current.cursor.idx !== 'number') current.setLegend({ idx: null as never }, false);
    });
  }, [data, from, to, shape, scheme, width, props.thresholds, props.spans, props.points]);

  return (
    <div ref={ref} data-compact={height < SMALL || undefined}>
      {onRange === undefined ? (
        <div ref={host} role="img" aria-label={label} style={{ minHeight: height + 30 }} />
      ) : (
        // Keys go to the chart, as in a map.
        <div
          ref={host}
          role="application"
          aria-label={`${label} ${t('keys')}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes keys
          tabIndex={0}
          style={{ minHeight: height + 30 }}
          onKeyDown={(event) => {
            const next = moved(event, plot.current);
            if (next === undefined) return;
            event.preventDefault();
            if (next === null) onReset?.();
            else onRange(next);
          }}
        />
      )}
    </div>
  );
}

/** The range that a key leads to; null: back to where one came from, undefined: the key means nothing here. */
function moved({ key, ctrlKey, metaKey, altKey }: KeyboardEvent, plot: uPlot | null): Range | null | undefined {
  const { min, max } = plot?.scales['x'] ?? {};
  if (min === undefined || max === undefined || ctrlKey || metaKey || altKey) return undefined;
  const quarter = (max - min) / 4;
  switch (key) {
    case 'ArrowLeft':
      return [min - quarter, max - quarter];
    case 'ArrowRight':
      return [min + quarter, max + quarter];
    case '+':
    case '=':
      return [min + quarter, max - quarter];
    case '-':
      return [min - 2 * quarter, max + 2 * quarter];
    case '0':
      return null;
    default:
      return undefined;
  }
}

interface OptionsInput {
  readonly series: readonly ChartSeries[];
  readonly scheme: 'light' | 'dark';
  readonly unit: string | undefined;
  readonly syncKey: string | undefined;
  readonly language: string;
  /** What the legend calls the instant under the cursor. */
  readonly time: string;
  readonly latest: { readonly current: TimeChartProps };
  readonly held: { readonly current: Held };
}

function optionsOf({
  series,
  scheme,
  unit,
  syncKey,
  language,
  time,
  latest,
  held,
}: OptionsInput): Omit<uPlot.Options, 'width' | 'height'> {
  const ink = INK[scheme];
  const numbers = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
  const instants = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  // Away from the lines the legend tells the newest.
  const newest = (plot: uPlot, of: number) =>
    Array.from(plot.data[of] ?? []).findLast((value) => value !== null && value !== undefined);
  const show = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : `${numbers.format(value)}${unit === undefined ? '' : ` ${unit}`}`;
  const axis = { stroke: ink.text, grid: { stroke: ink.grid, width: 1 }, ticks: { stroke: ink.grid, width: 1 } };
  const bands: uPlot.Band[] = [];
  const lines: uPlot.Series[] = [
    {
      value: (plot, at) => {
        const instant = at ?? newest(plot, 0);
        return instant === undefined || instant === null ? '–' : instants.format(instant);
      },
      label: time,
    },
  ];
  series.forEach((each, index) => {
    const stroke = each.color ?? colourOf(index);
    lines.push({
      label: each.label,
      stroke: each.kind === 'past' ? `${stroke}99` : stroke,
      width: 1.5,
      ...(each.kind === undefined ? {} : { dash: DASH[each.kind] }),
      points:
        each.kind === 'model'
          ? { show: false }
          : { size: 5, show: isSparse, filter: (plot, of, all) => (all ? null : alone(plot.data[of] ?? [])) },
      value: (plot, value, of, index) => show(index === null ? newest(plot, of) : value),
    });
    if (each.band === undefined) return;
    const edge: uPlot.Series = { stroke: 'transparent', points: { show: false }, label: EDGE };
    lines.push(edge, { ...edge });
    bands.push({ series: [lines.length - 1, lines.length - 2], fill: `${stroke}33` });
  });
  return {
    ms: 1,
    series: lines,
    bands,
    axes: [
      { ...axis, space: 72, values: (_plot, instants, _axis, _space, step) => timeLabels(instants, step, language) },
      { ...axis, size: 56, values: (_plot, values) => values.map((value) => numbers.format(value)) },
    ],
    scales: {
      y: { range: (_plot, min, max) => held.current.range ?? rangeOf(min, max, latest.current.thresholds ?? []) },
    },
    cursor: {
      drag: { x: latest.current.onRange !== undefined, y: false, setScale: false },
      ...(syncKey === undefined ? {} : { sync: { key: syncKey } }),
      bind: {
        dblclick: () => () => {
          latest.current.onReset?.();
          return null;
        },
      },
    },
    legend: { markers: { width: 8 } },
    hooks: {
      setSelect: [
        (current) => {
          const { left, width } = current.select;
          if (width < 5) return;
          latest.current.onRange?.([current.posToVal(left, 'x'), current.posToVal(left + width, 'x')]);
          current.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      drawClear: [(current) => shade(current, latest.current)],
      draw: [
        (current) => drawPoints(current, latest.current.points ?? []),
        (current) => drawThresholds(current, latest.current.thresholds ?? [], ink.text),
      ],
      ready: [hideBandEdges],
    },
    plugins: [
      draggableLines(
        {
          levels: () => (latest.current.thresholds ?? []).map(({ value }) => value),
          onMove: () => latest.current.onThreshold,
        },
        held.current,
      ),
      ...(latest.current.onRange === undefined
        ? []
        : [touchable((range) => latest.current.onRange?.(range), held.current)]),
    ],
  };
}

const DASH = { model: [6, 4], past: [2, 3] };

const isSparse: uPlot.Series.Points.Show = (_plot, _series, from, to) => to - from < SPARSE;

/** Some air above and below; thresholds are in sight. */
function rangeOf(min: number | null, max: number | null, thresholds: readonly Threshold[]): [number, number] {
  const all = [min, max, ...thresholds.map(({ value }) => value)].filter((value) => value !== null);
  if (all.length === 0) return [0, 1];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const air = high === low ? Math.abs(high) * 0.1 || 1 : (high - low) * 0.08;
  return [low - air, high + air];
}

function shade(plot: uPlot, { spans = [] }: TimeChartProps): void {
  const { ctx, bbox } = plot;
  for (const { from, to, color } of spans) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left);
    const right = Math.min(plot.valToPos(to, 'x', true), bbox.left + bbox.width);
    if (right <= left) continue;
    ctx.fillStyle = color;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
  }
}

function drawThresholds(plot: uPlot, thresholds: readonly Threshold[], text: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  for (const { value, label, color = '#e03131' } of thresholds) {
    const y = plot.valToPos(value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = color;
    ctx.setLineDash([8, 6]);
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillStyle = text;
    ctx.fillText(label, bbox.left + 6 * devicePixelRatio, y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

/** The edges of a band are lines to uPlot, and nothing to a reader. */
function hideBandEdges(plot: uPlot): void {
  const rows = plot.root.querySelectorAll<HTMLElement>('.u-legend .u-series');
  plot.series.forEach((series, index) => {
    if (series.label === EDGE) rows[index]?.style.setProperty('display', 'none');
  });
}
