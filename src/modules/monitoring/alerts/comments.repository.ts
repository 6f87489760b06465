import type { Kysely, Selectable } from 'kysely';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike } from '#platform/sql/sql.port.ts';
import type { AlertCommentsTable, MonitoringTables } from '../monitoring.tables.ts';
import { type AlertComment, type AlertStore, MAX_COMMENTS } from './alerts.ports.ts';

type Db = Kysely<MonitoringTables>;

export function listComments(db: Db, ...[alertId, { q, ...asked }]: Parameters<AlertStore['listComments']>) {
  let comments = db.selectFrom('alert_comments').selectAll().where('alert_id', '=', alertId);
  if (q !== undefined) comments = comments.where(isLike(['body'], containing(q)));
  return readPage(comments, { ...asked, tie: { field: 'id', direction: 'asc' } }, toComment);
}

/** Counts first: the row of the alert is locked then, so that two comments at the same time are not one too many. */
export async function insertComment(trx: Db, comment: Omit<AlertComment, 'id'>): Promise<AlertComment | null> {
  const { alertId, authorId, text, createdAt } = comment;
  const { numUpdatedRows } = await trx
    .updateTable('alerts')
    .set((eb) => ({ comment_count: eb('comment_count', '+', 1), updated_at: createdAt }))
    .where('id', '=', alertId)
    .where('comment_count', '<', MAX_COMMENTS)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return null;
  const { insertId } = await trx
    .insertInto('alert_comments')
    .values({ alert_id: alertId, author_id: authorId, body: text, created_at: createdAt, updated_at: createdAt })
    .executeTakeFirstOrThrow();
  return { ...comment, id: Number(insertId) };
}

function toComment(row: Selectable<AlertCommentsTable>): AlertComment {
  return { id: row.id, alertId: row.alert_id, authorId: row.author_id, text: row.body, createdAt: row.created_at };
}
