import type { components } from '#console/api/schema.d.ts';

export type Dashboard = components['schemas']['Dashboard'];
export type Place = components['schemas']['DashboardPlace'];
export type Share = components['schemas']['DashboardShare'];

export const WIDGET_TYPES = ['chart', 'value', 'gauge', 'devices', 'alerts', 'command', 'text', 'map'] as const;
export type WidgetType = (typeof WIDGET_TYPES)[number];

/** A metric of a device. The name is for whoever may not see the device. */
export interface Source {
  readonly device_id: number;
  readonly device_name: string;
  readonly metric: string;
}

/** What the console keeps in a widget's options, whatever its type. */
export interface Options {
  readonly sources: readonly Source[];
  readonly minutes: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** From here on it is drawn as a warning, and as critical; null: never. */
  readonly warning: number | null;
  readonly critical: number | null;
  /** Devices of this group only; null: all. */
  readonly group_id: number | null;
  readonly command: string;
  /** JSON text of an object. */
  readonly params: string;
  readonly text: string;
}

export interface Widget {
  readonly id: string;
  readonly type: WidgetType | string;
  readonly title: string | null;
  readonly options: Options;
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberIn = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Options may have been written by another client: what does not fit is left out. */
export function optionsOf(given: Readonly<Record<string, unknown>>): Options {
  const sources = Array.isArray(given['sources']) ? (given['sources'] as readonly Record<string, unknown>[]) : [];
  return {
    sources: sources.flatMap((source) => {
      const { device_id, device_name, metric } = source ?? {};
      if (typeof device_id !== 'number') return [];
      return [{ device_id, device_name: textIn(device_name) || String(device_id), metric: textIn(metric) }];
    }),
    minutes: numberIn(given['minutes'], 60),
    unit: textIn(given['unit']),
    min: numberIn(given['min'], 0),
    max: numberIn(given['max'], 100),
    warning: numberOrNull(given['warning']),
    critical: numberOrNull(given['critical']),
    group_id: numberOrNull(given['group_id']),
    command: textIn(given['command']),
    params: textIn(given['params']),
    text: textIn(given['text']),
  };
}

export function widgetsOf({ widgets }: Dashboard): readonly Widget[] {
  return widgets.map(({ id, type, title, options }) => ({
    id,
    type,
    title: title ?? null,
    options: optionsOf(options as Readonly<Record<string, unknown>>),
  }));
}

/** What each type needs of the options. */
const KEPT: Readonly<Record<WidgetType, readonly (keyof Options)[]>> = {
  chart: ['sources', 'minutes', 'unit'],
  value: ['sources', 'unit'],
  gauge: ['sources', 'unit', 'min', 'max', 'warning', 'critical'],
  devices: ['group_id'],
  alerts: [],
  command: ['sources', 'command', 'params'],
  text: ['text'],
  map: ['group_id'],
};
export const isKnown = (type: string): type is WidgetType => (WIDGET_TYPES as readonly string[]).includes(type);

/** As the API takes them. What another client has made stays as it was. */
export function toBody(widgets: readonly Widget[], before: Dashboard['widgets']): Dashboard['widgets'] {
  return widgets.map((widget) => {
    const { id, type, title, options } = widget;
    if (!isKnown(type)) return before.find((each) => each.id === id) ?? { id, type, title, options: {} };
    return { id, type, title, options: Object.fromEntries(KEPT[type].map((key) => [key, options[key]])) };
  });
}

export const COLUMNS = 12;
const SIZE: Readonly<Record<WidgetType, readonly [w: number, h: number]>> = {
  chart: [6, 6],
  value: [3, 3],
  gauge: [3, 5],
  devices: [4, 6],
  alerts: [4, 6],
  command: [3, 3],
  text: [4, 3],
  map: [6, 7],
};

/** An id that none of the widgets has. */
export function newId(widgets: readonly { readonly id: string }[]): string {
  let number = widgets.length + 1;
  while (widgets.some(({ id }) => id === `w${number}`)) number += 1;
  return `w${number}`;
}

/** Below all that is there. */
export function placeFor(id: string, type: WidgetType, layout: readonly Place[]): Place {
  const [w, h] = SIZE[type];
  return { i: id, x: 0, y: Math.max(0, ...layout.map((place) => place.y + place.h)), w, h };
}

/** A dashboard of all that a device measures: a value and a chart for each metric. */
export function fromDevice(device: { readonly id: number; readonly name: string }, metrics: readonly string[]) {
  const widgets: Widget[] = [];
  const layout: Place[] = [];
  for (const [row, metric] of metrics.slice(0, 24).entries()) {
    const options = optionsOf({ sources: [{ device_id: device.id, device_name: device.name, metric }] });
    const value = { id: `v${row}`, type: 'value', title: metric, options };
    const chart = { id: `c${row}`, type: 'chart', title: metric, options };
    widgets.push(value, chart);
    layout.push({ i: value.id, x: 0, y: row * 5, w: 3, h: 5 }, { i: chart.id, x: 3, y: row * 5, w: 9, h: 5 });
  }
  return { layout, widgets: toBody(widgets, []) };
}
