import type { Principal } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { jsonFlaw, jsonFlawMessage } from '#kernel/json-flaw.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import { dashboardErrors } from './dashboards.errors.ts';
import { maySee, mayWrite, sharesFor } from './dashboards.policy.ts';
import {
  DASHBOARD_SORT_FIELDS,
  type Dashboard,
  type DashboardContent,
  type DashboardFilter,
  type DashboardStore,
  type DashboardSummary,
} from './dashboards.ports.ts';

export interface DashboardsServiceDeps {
  readonly store: DashboardStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type DashboardsService = ReturnType<typeof createDashboardsService>;

const MOST_PER_USER = 100;
/** Of layout and widgets together. */
const LIMITS = { bytes: 64 * 1024, depth: 12 };
const DEFAULT_SORT = [{ field: 'name', direction: 'asc' }] as const;

/** What people put together to look at. Somebody who may not see a dashboard is told that there is none. */
export function createDashboardsService({ store, clock, events }: DashboardsServiceDeps) {
  // Relayed to every process; whoever comes second finds nothing to remove.
  events.on('user.access_changed', async ({ data }) => {
    if (data.reason === 'deleted') await store.removePrivate(data.user_id);
  });

  async function visible(
    principal: Principal,
    id: number,
    reader: Pick<DashboardStore, 'findById'> = store,
  ): Promise<Dashboard> {
    const dashboard = await reader.findById(id);
    if (dashboard === null || !maySee(principal, dashboard)) throw dashboardErrors.dashboard_not_found();
    return dashboard;
  }

  async function writable(...asked: Parameters<typeof visible>): Promise<Dashboard> {
    const dashboard = await visible(...asked);
    if (!mayWrite(asked[0], dashboard)) throw dashboardErrors.dashboard_not_yours();
    return dashboard;
  }

  return {
    /** @throws AppError `invalid_sort` */
    async list(principal: Principal, filter: DashboardFilter, query: PageQuery): Promise<Page<DashboardSummary>> {
      const sort = parseSort(query.sort, DASHBOARD_SORT_FIELDS, DEFAULT_SORT);
      const seen = { userId: principal.userId, shares: sharesFor(principal) };
      const { items, total } = await store.list({ ...filter, page: query.page, size: query.size, sort, visible: seen });
      return toPage(items, total, query);
    },

    /** @throws AppError `dashboard_not_found` */
    get: (principal: Principal, id: number): Promise<Dashboard> => visible(principal, id),

    /** @throws AppError `dashboard_invalid`, `too_many_dashboards` */
    async create(actor: Principal, content: DashboardContent): Promise<Dashboard> {
      check(content);
      return store.transaction(async (writer, audit) => {
        if ((await writer.countOf(actor.userId)) >= MOST_PER_USER) throw dashboardErrors.too_many_dashboards();
        const created = await visible(actor, await writer.insert(content, actor.userId, clock.now()), writer);
        await audit.record({ actor, ...on(created.id), action: 'dashboard.created', details: audited(created) });
        return created;
      });
    },

    /**
     * Fields that are not given stay.
     * @param expected `updatedAt` of what is to be changed; null: whatever there is
     * @throws AppError `dashboard_not_found`, `dashboard_not_yours`, `dashboard_invalid`, `precondition_failed`
     */
    update(
      actor: Principal,
      id: number,
      changes: Partial<DashboardContent>,
      expected: number | null,
    ): Promise<Dashboard> {
      return store.transaction(async (writer, audit) => {
        const before = await writable(actor, id, writer);
        if (expected !== null && expected !== before.updatedAt) throw changedMeanwhile(before);
        const content = { ...before, ...changes };
        if (content.shared === 'private' && before.shared !== 'private' && before.ownerId !== actor.userId) {
          throw dashboardErrors.dashboard_not_yours({ detail: 'Only its owner may make this dashboard private.' });
        }
        check(content);
        if (isSame(before, content)) return before;
        // Never the same twice: it is the version, too.
        const after = { ...content, updatedAt: Math.max(clock.now(), before.updatedAt + 1) };
        await writer.update(id, after, after.updatedAt);
        const details = {
          ...changedFields(audited(before), audited(after)),
          content_changed: !isDrawnSame(before, after),
        };
        await audit.record({ actor, ...on(id), action: 'dashboard.updated', details });
        return after;
      });
    },

    /** @throws AppError `dashboard_not_found`, `dashboard_not_yours` */
    remove(actor: Principal, id: number): Promise<void> {
      return store.transaction(async (writer, audit) => {
        const dashboard = await writable(actor, id, writer);
        await writer.remove(id);
        await audit.record({ actor, ...on(id), action: 'dashboard.deleted', details: audited(dashboard) });
      });
    },
  };
}

/** What a schema cannot say. */
function check({ layout, widgets }: DashboardContent): void {
  const flaw = jsonFlaw({ layout, widgets }, LIMITS);
  if (flaw !== null) throw invalid(flaw.path, jsonFlawMessage(flaw.kind, LIMITS));
  const ids = new Set<string>();
  for (const [index, { id }] of widgets.entries()) {
    if (ids.has(id)) throw invalid(`/widgets/${index}/id`, 'must not be that of another widget');
    ids.add(id);
  }
  const placed = new Set<string>();
  for (const [index, { i }] of layout.entries()) {
    if (!ids.has(i)) throw invalid(`/layout/${index}/i`, 'must be the id of a widget');
    if (placed.has(i)) throw invalid(`/layout/${index}/i`, 'must not be placed twice');
    placed.add(i);
  }
}

function changedMeanwhile({ updatedAt }: Dashboard) {
  return commonErrors.precondition_failed({ detail: `The dashboard was changed at ${toIso(updatedAt)}.` });
}

function invalid(path: string, message: string) {
  return dashboardErrors.dashboard_invalid({ details: { fields: [{ path, message }] } });
}

function isDrawnSame(one: DashboardContent, other: DashboardContent): boolean {
  const drawn = ({ layout, widgets }: DashboardContent) => JSON.stringify([layout, widgets]);
  return drawn(one) === drawn(other);
}

function isSame(one: DashboardContent, other: DashboardContent): boolean {
  return one.name === other.name && one.shared === other.shared && isDrawnSame(one, other);
}

function on(id: number): Pick<AuditEntry, 'resourceType' | 'resourceId'> {
  return { resourceType: 'dashboard', resourceId: String(id) };
}

function audited({ name, shared, widgets }: DashboardContent) {
  return { name, shared, widgets: widgets.length };
}
