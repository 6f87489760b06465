import type { Generated, Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type {
  Dashboard,
  DashboardContent,
  DashboardStore,
  DashboardSummary,
  DashboardWriter,
  Share,
} from './dashboards.ports.ts';

interface Tables {
  dashboards: {
    id: Generated<number>;
    name: string;
    layout: string;
    widgets: string;
    widget_count: number;
    shared: Share;
    owner_id: number;
    created_at: number;
    updated_at: number;
  };
}

const SUMMARY = ['id', 'name', 'widget_count', 'shared', 'owner_id', 'created_at', 'updated_at'] as const;

export function createDashboardStore(store: SqlStore, audit: AuditTrail): DashboardStore {
  const db = () => store.db<Tables>();
  return {
    findById: (id) => findById(db(), id),
    async list({ visible, shared, ownerId, q, ...asked }) {
      const { userId, shares } = visible;
      let matching = db()
        .selectFrom('dashboards')
        .where((is) => is.or([is('owner_id', '=', userId), is('shared', 'in', shares)]));
      if (shared !== undefined) matching = matching.where('shared', 'in', several(shared));
      if (ownerId !== undefined) matching = matching.where('owner_id', 'in', several(ownerId));
      if (q !== undefined) matching = matching.where(isLike(['name'], containing(q)));
      const page = { ...asked, tie: { field: 'id', direction: 'asc' } } as const;
      return await readPage(matching.select(SUMMARY), page, toSummary);
    },
    async removePrivate(ownerId) {
      await db().deleteFrom('dashboards').where('owner_id', '=', ownerId).where('shared', '=', 'private').execute();
    },
    transaction: (work) => store.transaction((trx: Kysely<Tables>) => work(createDashboardWriter(trx), audit.on(trx))),
  };
}

function createDashboardWriter(trx: Kysely<Tables>): DashboardWriter {
  return {
    findById: (id) => findById(trx, id),
    async countOf(ownerId) {
      const { total } = await trx
        .selectFrom('dashboards')
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .where('owner_id', '=', ownerId)
        .executeTakeFirstOrThrow();
      return Number(total);
    },
    async insert(content, ownerId, at) {
      const { insertId } = await trx
        .insertInto('dashboards')
        .values({ ...toColumns(content), owner_id: ownerId, created_at: at, updated_at: at })
        .executeTakeFirstOrThrow();
      return Number(insertId);
    },
    async update(id, content, at) {
      await trx
        .updateTable('dashboards')
        .set({ ...toColumns(content), updated_at: at })
        .where('id', '=', id)
        .execute();
    },
    async remove(id) {
      await trx.deleteFrom('dashboards').where('id', '=', id).execute();
    },
  };
}

async function findById(db: Kysely<Tables>, id: number): Promise<Dashboard | null> {
  const row = await db.selectFrom('dashboards').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return null;
  const { widgetCount: _, ...summary } = toSummary(row);
  return { ...summary, layout: JSON.parse(row.layout), widgets: JSON.parse(row.widgets) };
}

function toColumns({ name, layout, widgets, shared }: DashboardContent) {
  return {
    name,
    layout: JSON.stringify(layout),
    widgets: JSON.stringify(widgets),
    widget_count: widgets.length,
    shared,
  };
}

function toSummary(row: Omit<Selectable<Tables['dashboards']>, 'layout' | 'widgets'>): DashboardSummary {
  return {
    id: row.id,
    name: row.name,
    widgetCount: row.widget_count,
    shared: row.shared,
    ownerId: row.owner_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
