import { Type } from 'typebox';
import { commonErrors } from '#kernel/errors.ts';
import { etagOf, expectedOf } from '#platform/http/etags.port.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { IfMatch } from '#platform/http/http.schemas.ts';
import { dashboardErrors } from './dashboards.errors.ts';
import type { Dashboard } from './dashboards.ports.ts';
import {
  DASHBOARD_SORT_HELP,
  DashboardBody,
  DashboardPage,
  DashboardParams,
  DashboardPatch,
  DashboardQuery,
  DashboardView,
  presentDashboard,
  presentSummary,
  toChanges,
  toContent,
  toFilter,
} from './dashboards.schemas.ts';
import type { DashboardsService } from './dashboards.service.ts';

const tags = ['dashboards'];
const { dashboard_not_found, dashboard_not_yours, dashboard_invalid, too_many_dashboards } = dashboardErrors;

/** `/api/v1/dashboards` */
export function createDashboardsRoutes(dashboards: DashboardsService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listDashboards',
          summary: 'List dashboards',
          description:
            'Your own, and those that are shared with you, without what is on them. By name unless sorted. `q` looks ' +
            `into the name. ${DASHBOARD_SORT_HELP}`,
          querystring: DashboardQuery,
          response: { 200: DashboardPage },
        },
      },
      async (request) => {
        const found = await dashboards.list(principalOf(request), toFilter(request.query), request.query);
        return { ...found, items: found.items.map(presentSummary) };
      },
    );

    app.get(
      '/:dashboard_id',
      {
        config: { access: 'bearer', problems: [dashboard_not_found] },
        schema: {
          tags,
          operationId: 'getDashboard',
          summary: 'Show a dashboard',
          description:
            'With its widgets. What they show is read from the other routes, with the rights of who looks. The ETag is ' +
            '`updated_at` in milliseconds since 1970.',
          params: DashboardParams,
          response: { 200: DashboardView },
        },
      },
      async (request, reply) => tagged(reply, await dashboards.get(principalOf(request), request.params.dashboard_id)),
    );

    app.post(
      '/',
      {
        config: { access: 'bearer', problems: [dashboard_invalid, too_many_dashboards] },
        schema: {
          tags,
          operationId: 'createDashboard',
          summary: 'Make a dashboard',
          description: 'It is yours, and private unless `shared` says otherwise. 100 per user.',
          body: DashboardBody,
          response: { 201: DashboardView },
        },
      },
      async (request, reply) =>
        tagged(reply.code(201), await dashboards.create(principalOf(request), toContent(request.body))),
    );

    app.patch(
      '/:dashboard_id',
      {
        config: {
          access: 'bearer',
          problems: [dashboard_not_found, dashboard_not_yours, dashboard_invalid, commonErrors.precondition_failed],
        },
        schema: {
          tags,
          operationId: 'updateDashboard',
          summary: 'Change a dashboard',
          description:
            'Fields that are left out stay; `layout` and `widgets` are replaced. Its owner and ADMIN may; only the owner ' +
            'makes it private.',
          params: DashboardParams,
          headers: IfMatch,
          body: DashboardPatch,
          response: { 200: DashboardView },
        },
      },
      async (request, reply) => {
        const expected = expectedOf(request.headers['if-match']);
        const { dashboard_id: id } = request.params;
        return tagged(reply, await dashboards.update(principalOf(request), id, toChanges(request.body), expected));
      },
    );

    app.delete(
      '/:dashboard_id',
      {
        config: { access: 'bearer', problems: [dashboard_not_found, dashboard_not_yours] },
        schema: {
          tags,
          operationId: 'deleteDashboard',
          summary: 'Delete a dashboard',
          description: 'For good. Its owner and ADMIN may.',
          params: DashboardParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await dashboards.remove(principalOf(request), request.params.dashboard_id);
        return reply.code(204).send(null);
      },
    );
  };
}

/** What is answered, with its version as ETag. */
function tagged(reply: { header(name: string, value: string): unknown }, dashboard: Dashboard) {
  reply.header('etag', etagOf(dashboard.updatedAt));
  return presentDashboard(dashboard);
}
