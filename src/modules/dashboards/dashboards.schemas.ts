import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import {
  DASHBOARD_SORT_FIELDS,
  type Dashboard,
  type DashboardContent,
  type DashboardFilter,
  type DashboardSummary,
  SHARES,
  type Share,
} from './dashboards.ports.ts';

const name = Type.String({
  maxLength: 100,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
  'x-accepts': 'text with something visible in it, in one line and without control characters',
  description: 'For people',
  examples: ['Greenhouse 7'],
});
const shared = Type.Unsafe<Share>({
  title: 'DashboardShare',
  type: 'string',
  enum: [...SHARES],
  description: 'Who sees it: its owner, MANAGEMENT too, or everybody who is signed in',
  examples: ['management'],
});
const widgetId = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,40}$',
  'x-accepts': '1 to 40 letters, digits, `_` and `-`',
  description: 'Id of a widget, unique in its dashboard',
  examples: ['w1'],
});
const cells = (description: string, minimum: number, example: number) =>
  Type.Integer({ minimum, maximum: 10_000, description, examples: [example] });

const place = Strict(
  'DashboardPlace',
  {
    i: widgetId,
    x: cells('Column of its left edge, from 0', 0, 0),
    y: cells('Row of its upper edge, from 0', 0, 0),
    w: cells('Columns', 1, 6),
    h: cells('Rows', 1, 4),
  },
  { description: 'Where a widget stands', examples: [{ i: 'w1', x: 0, y: 0, w: 6, h: 4 }] },
);
const widget = Strict(
  'DashboardWidget',
  {
    id: widgetId,
    type: Type.String({
      pattern: '^[a-z][a-z0-9_]{0,31}$',
      'x-accepts': '1 to 32 lower-case letters, digits and `_`, a letter first',
      description: 'How the client draws it',
      examples: ['chart'],
    }),
    title: Type.Optional(Nullable(Type.String({ maxLength: 100, description: 'Above it', examples: ['Temperature'] }))),
    options: Type.Unsafe<Readonly<Record<string, unknown>>>({
      title: 'WidgetOptions',
      type: 'object',
      additionalProperties: true,
      description: 'What the client that draws it has to know; any JSON object',
      examples: [{ series: [{ device_id: 7, metric: 'temperature' }], range: '1h' }],
    }),
  },
  { description: 'One thing to look at', examples: [{ id: 'w1', type: 'text', options: { text: 'Hall 7' } }] },
);
const layout = Type.Array(place, { maxItems: 50, description: 'Where the widgets stand, each once at most' });
const widgets = Type.Array(widget, {
  maxItems: 50,
  description: 'What there is to look at; with the layout, up to 64 KiB as JSON',
});
const stamps = {
  shared,
  owner_id: { ...Id, description: 'User who made it', examples: [11] },
  created_at: Instant,
  updated_at: Instant,
};

export const DashboardBody = Strict('NewDashboard', {
  name,
  layout: Type.Optional(layout),
  widgets: Type.Optional(widgets),
  shared: Type.Optional({ ...shared, default: 'private' }),
});
export const DashboardPatch = Strict('DashboardChanges', {
  name: Type.Optional(name),
  layout: Type.Optional(layout),
  widgets: Type.Optional(widgets),
  shared: Type.Optional(shared),
});
export const DashboardView = Strict('Dashboard', { id: { ...Id, examples: [2] }, name, layout, widgets, ...stamps });
export const DashboardPage = PageOf(
  Strict('DashboardSummary', {
    id: { ...Id, examples: [2] },
    name,
    widget_count: Type.Integer({ description: 'Widgets on it', examples: [4] }),
    ...stamps,
  }),
);
export const DashboardParams = Strict({ dashboard_id: { ...Id, description: 'Id of the dashboard', examples: [2] } });
export const DashboardQuery = Strict({
  ...pageQuery,
  ...sortQuery(DASHBOARD_SORT_FIELDS),
  ...searchQuery,
  shared: SeveralOf(shared),
  owner_id: SeveralOf({ ...Id, description: 'User who made it', examples: [11] }),
});
export const DASHBOARD_SORT_HELP = `Sort by ${DASHBOARD_SORT_FIELDS.join(', ')}.`;

export function toContent(body: Static<typeof DashboardBody>): DashboardContent {
  const { name: called, layout: places = [], widgets: shown = [], shared: share = 'private' } = body;
  return { name: called, layout: places, widgets: shown.map(toWidget), shared: share };
}

export function toChanges(body: Static<typeof DashboardPatch>): Partial<DashboardContent> {
  return defined({ ...body, widgets: body.widgets?.map(toWidget) });
}

function toWidget({ title = null, ...rest }: Static<typeof widget>) {
  return { ...rest, title };
}

export function toFilter(query: Static<typeof DashboardQuery>): DashboardFilter {
  return defined({ shared: query.shared, ownerId: query.owner_id, q: query.q });
}

export function presentDashboard(dashboard: Dashboard): Static<typeof DashboardView> {
  return {
    ...presentStamps(dashboard),
    layout: [...dashboard.layout],
    widgets: [...dashboard.widgets],
  };
}

export function presentSummary(summary: DashboardSummary) {
  return { ...presentStamps(summary), widget_count: summary.widgetCount };
}

function presentStamps({ id, name: called, shared: share, ownerId, createdAt, updatedAt }: StampedDashboard) {
  return {
    id,
    name: called,
    shared: share,
    owner_id: ownerId,
    created_at: toIso(createdAt),
    updated_at: toIso(updatedAt),
  };
}

type StampedDashboard = Omit<Dashboard, 'layout' | 'widgets'>;
