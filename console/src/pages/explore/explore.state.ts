import { useNavigate, useSearch } from '@tanstack/react-router';

export const PRESETS = { '15m': 0.25, '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720 } as const;
export type Preset = keyof typeof PRESETS;
const HOUR_MS = 3_600_000;

/** So many lines can still be told apart, and fit in one request for each device: 8 × 500 of 5,000 values. */
export const MOST_DEVICES = 6;
export const MOST_METRICS = 8;

export const LAYOUTS = ['metric', 'device', 'one'] as const;
export type Layout = (typeof LAYOUTS)[number];
export const OVERLAYS = ['anomalies', 'trend', 'thresholds', 'alerts', 'before'] as const;
export type Overlay = (typeof OVERLAYS)[number];

/** Epoch milliseconds. */
export interface Fixed {
  readonly from: number;
  readonly to: number;
}

/** What is explored; all of it is in the address, so that it can be sent to somebody. */
export interface Choice {
  readonly devices: readonly number[];
  readonly metrics: readonly string[];
  /** Ends now and moves on, or is between two instants. */
  readonly base: Preset | Fixed;
  /** The part of it that somebody has dragged over. */
  readonly zoom: Fixed | undefined;
  readonly layout: Layout;
  readonly overlays: readonly Overlay[];
}

const listOf = (value: unknown): readonly string[] =>
  value === undefined || value === '' ? [] : [...new Set(String(value).split(','))];

function fixedOf(from: unknown, to: unknown): Fixed | undefined {
  const [begin, end] = [Number(from), Number(to)];
  return begin > 0 && end > begin ? { from: begin, to: end } : undefined;
}

function oneOf<Value extends string>(all: readonly Value[], value: unknown): Value | undefined {
  return all.find((each) => each === value);
}

export function useChoice(): readonly [Choice, (changes: Partial<Choice>) => void] {
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const choice: Choice = {
    devices: listOf(search['devices']).map(Number).filter(Number.isInteger).slice(0, MOST_DEVICES),
    metrics: listOf(search['metrics']).slice(0, MOST_METRICS),
    base: fixedOf(search['start'], search['end']) ?? oneOf(Object.keys(PRESETS) as Preset[], search['range']) ?? '1h',
    zoom: fixedOf(search['from'], search['to']),
    layout: oneOf(LAYOUTS, search['by']) ?? 'metric',
    overlays: OVERLAYS.filter((each) => listOf(search['show']).includes(each)),
  };
  const change = (changes: Partial<Choice>) => {
    const { devices, metrics, base, zoom, layout, overlays } = { ...choice, ...changes };
    const next: Record<string, unknown> = {
      ...(devices.length === 0 ? {} : { devices: devices.length === 1 ? devices[0] : devices.join(',') }),
      ...(metrics.length === 0 ? {} : { metrics: metrics.join(',') }),
      ...(typeof base === 'string' ? (base === '1h' ? {} : { range: base }) : { start: base.from, end: base.to }),
      ...(zoom === undefined ? {} : { from: Math.round(zoom.from), to: Math.round(zoom.to) }),
      ...(layout === 'metric' ? {} : { by: layout }),
      ...(overlays.length === 0 ? {} : { show: overlays.join(',') }),
    };
    // A zoom is a step that the browser's back button takes back, too.
    void navigate({ to: '.', search: next as never, replace: !('zoom' in changes) });
  };
  return [choice, change];
}

/** The range that is shown at the instant `now`, and whether it moves on with it. */
export function rangeOf({ base, zoom }: Pick<Choice, 'base' | 'zoom'>, now: number): Fixed & { isLive: boolean } {
  if (zoom !== undefined) return { ...zoom, isLive: false };
  if (typeof base !== 'string') return { ...base, isLive: false };
  return { from: now - PRESETS[base] * HOUR_MS, to: now, isLive: true };
}
