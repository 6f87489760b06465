import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { AlertParams, AlertView, presentAlert } from './alerts.schemas.ts';
import {
  AssignBody,
  CommentBody,
  CommentPage,
  CommentQuery,
  CommentView,
  presentComment,
} from './discussion.schemas.ts';
import type { DiscussionService } from './discussion.service.ts';

const tags = ['monitoring'];
const WHO = 'For MANAGEMENT and the owner of the device: to others the alert is not there (404).';

/** `/api/v1/monitoring/alerts/{alert_id}`: who takes care of it, and what is said about it. */
export function createDiscussionRoutes(discussion: DiscussionService): HttpRoutes {
  return (app) => {
    app.patch(
      '/alerts/:alert_id',
      {
        config: {
          access: 'bearer',
          problems: [monitoringErrors.alert_not_found, monitoringErrors.alert_assignee_unknown],
        },
        schema: {
          tags,
          operationId: 'changeAlert',
          summary: 'Say who takes care of an alert',
          description: `MANAGEMENT names any active user who may deal with the alert, a USER itself only; null: nobody. ${WHO}`,
          params: AlertParams,
          body: AssignBody,
          response: { 200: AlertView },
        },
      },
      async (request) => {
        const { alert_id } = request.params;
        return presentAlert(await discussion.assign(principalOf(request), alert_id, request.body.assigned_to));
      },
    );

    app.get(
      '/alerts/:alert_id/comments',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_not_found] },
        schema: {
          tags,
          operationId: 'listAlertComments',
          summary: 'List what was said about an alert',
          description: `Oldest first, unless sorted otherwise. ${WHO}`,
          params: AlertParams,
          querystring: CommentQuery,
          response: { 200: CommentPage },
        },
      },
      async (request) => {
        const found = await discussion.comments(principalOf(request), request.params.alert_id, request.query);
        return { ...found, items: found.items.map(presentComment) };
      },
    );

    app.post(
      '/alerts/:alert_id/comments',
      {
        config: {
          access: 'bearer',
          problems: [monitoringErrors.alert_not_found, monitoringErrors.alert_comment_limit],
        },
        schema: {
          tags,
          operationId: 'commentOnAlert',
          summary: 'Say something about an alert',
          description: `Stays as it is, and goes with the alert. 200 comments per alert at the most. ${WHO}`,
          params: AlertParams,
          body: CommentBody,
          response: { 201: CommentView },
        },
      },
      async (request, reply) => {
        const { alert_id } = request.params;
        const comment = await discussion.comment(principalOf(request), alert_id, request.body.text);
        return reply.status(201).send(presentComment(comment));
      },
    );
  };
}
