import { ADMINS } from '#kernel/access.ts';
import { parseSort, toPage } from '#kernel/pagination.ts';
import { AUDIT_SORT_FIELDS, type AuditReader } from '#platform/audit/audit.port.ts';
import type { HttpRoutes } from '#platform/http/http.port.ts';
import { AuditLogPage, AuditLogQuery, presentEntry, toFilter } from './audit-logs.schemas.ts';

/** `/api/v1/system/audit-logs`. There is no rule between the trail and who may read it, and so no service. */
export function createAuditLogsRoutes(trail: AuditReader): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: ADMINS },
        schema: {
          tags: ['system'],
          operationId: 'listAuditLogs',
          summary: 'Read the audit trail',
          description:
            'Newest first unless sorted: who did what to what, from where and in which request. An entry is there if and only if ' +
            'the change is, and is never changed or removed. `q` looks into action, resource id, address and details of the newest 10,000 ' +
            'entries that match the other filters.',
          querystring: AuditLogQuery,
          response: { 200: AuditLogPage },
        },
      },
      async (request) => {
        const { page, size } = request.query;
        const sort = parseSort(request.query.sort, AUDIT_SORT_FIELDS, [{ field: 'created_at', direction: 'desc' }]);
        const { items, total } = await trail.list({ page, size, sort, ...toFilter(request.query) });
        return { ...toPage(items, total, { page, size }), items: items.map(presentEntry) };
      },
    );
  };
}
