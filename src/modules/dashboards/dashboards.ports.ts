import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';

/** `private`: the owner alone; `management`: MANAGEMENT too; `all`: everybody who is signed in. */
export const SHARES = ['private', 'management', 'all'] as const;
export type Share = (typeof SHARES)[number];

/** Where a widget stands, in columns and rows of the grid; `i` is the widget's `id`. */
export interface Place {
  readonly i: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** What a widget shows is for the client that draws it: to the server, `type` is a name and `options` is JSON. */
export interface Widget {
  /** Unique in its dashboard. */
  readonly id: string;
  readonly type: string;
  readonly title: string | null;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Instants are epoch milliseconds. */
export interface Dashboard {
  readonly id: number;
  readonly name: string;
  readonly layout: readonly Place[];
  readonly widgets: readonly Widget[];
  readonly shared: Share;
  readonly ownerId: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type DashboardContent = Pick<Dashboard, 'name' | 'layout' | 'widgets' | 'shared'>;

export type DashboardSummary = Omit<Dashboard, 'layout' | 'widgets'> & { readonly widgetCount: number };

export const DASHBOARD_SORT_FIELDS = ['id', 'name', 'created_at', 'updated_at'] as const;
export type DashboardSortField = (typeof DASHBOARD_SORT_FIELDS)[number];

/** Every given field must match. */
export interface DashboardFilter {
  readonly shared?: OneOrMore<Share>;
  readonly ownerId?: OneOrMore<number>;
  /** Contained in the name. */
  readonly q?: string;
}

export interface DashboardListQuery extends Omit<PageQuery, 'sort'>, DashboardFilter {
  /** Those of this user, and those that are shared so. */
  readonly visible: { readonly userId: number; readonly shares: readonly Share[] };
  /** Ties are broken by id. */
  readonly sort: readonly SortTerm<DashboardSortField>[];
}

export interface DashboardWriter {
  findById(id: number): Promise<Dashboard | null>;
  countOf(ownerId: number): Promise<number>;
  /** @returns the id */
  insert(content: DashboardContent, ownerId: number, at: number): Promise<number>;
  update(id: number, content: DashboardContent, at: number): Promise<void>;
  remove(id: number): Promise<void>;
}

export interface DashboardStore extends Pick<DashboardWriter, 'findById'> {
  list(query: DashboardListQuery): Promise<{ readonly items: readonly DashboardSummary[]; readonly total: number }>;
  /** Removes the private dashboards of a user. What it has shared stays. */
  removePrivate(ownerId: number): Promise<void>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the two writers. */
  transaction<T>(work: (writer: DashboardWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
