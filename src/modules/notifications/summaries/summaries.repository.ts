import type { Kysely, Selectable } from 'kysely';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { MailSummary, SummaryItem, SummaryKey, SummaryStore, SummaryWriter } from './summaries.ports.ts';

interface Tables {
  mail_summaries: {
    user_id: number;
    topic: string;
    due_at: number;
    items: string;
    more: number;
    closed_at: number | null;
    created_at: number;
    updated_at: number;
  };
}

export function createSummaryStore(store: SqlStore): SummaryStore {
  return {
    transaction: (work) => store.transaction((trx: Kysely<Tables>) => work(createWriter(trx))),
    async removeEarlier({ userId, topic, dueAt }, closedBefore) {
      const db = store.db<Tables>();
      await db
        .deleteFrom('mail_summaries')
        .where('user_id', '=', userId)
        .where('topic', '=', topic)
        .where('due_at', '<', dueAt)
        .execute();
      await db.deleteFrom('mail_summaries').where('closed_at', '<', closedBefore).execute();
    },
  };
}

function createWriter(trx: Kysely<Tables>): SummaryWriter {
  return {
    async ofTopic(topic, userIds) {
      if (userIds.length === 0) return new Map();
      const rows = await trx
        .selectFrom('mail_summaries')
        .selectAll()
        .where('user_id', 'in', userIds)
        .where('topic', '=', topic)
        .orderBy('due_at', 'desc')
        .execute();
      return Map.groupBy(rows.map(toSummary), ({ userId }) => userId);
    },
    async find(key) {
      const row = await withKey(trx.selectFrom('mail_summaries').selectAll(), key).executeTakeFirst();
      return row === undefined ? null : toSummary(row);
    },
    async insert({ userId: user_id, topic, dueAt: due_at, items, more, closedAt: closed_at }, at) {
      const stamps = { created_at: at, updated_at: at };
      const row = { user_id, topic, due_at, items: JSON.stringify(items), more, closed_at, ...stamps };
      await trx.insertInto('mail_summaries').values(row).execute();
    },
    async update(summary, at) {
      const { items, more, closedAt: closed_at } = summary;
      const changes = { items: JSON.stringify(items), more, closed_at, updated_at: at };
      await withKey(trx.updateTable('mail_summaries').set(changes), summary).execute();
    },
    async remove(key) {
      await withKey(trx.deleteFrom('mail_summaries'), key).execute();
    },
  };
}

interface Filterable {
  // biome-ignore lint/suspicious/noExplicitAny: a query of any kind, with the columns of the one table
  where(column: any, operator: '=', value: any): this;
}

function withKey<Q extends Filterable>(query: Q, { userId, topic, dueAt }: SummaryKey): Q {
  return query.where('user_id', '=', userId).where('topic', '=', topic).where('due_at', '=', dueAt);
}

function toSummary(row: Selectable<Tables['mail_summaries']>): MailSummary {
  return {
    userId: row.user_id,
    topic: row.topic,
    dueAt: row.due_at,
    items: JSON.parse(row.items) as SummaryItem[],
    more: row.more,
    closedAt: row.closed_at,
  };
}
