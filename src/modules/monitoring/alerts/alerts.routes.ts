import { MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import {
  AcknowledgeBody,
  AcknowledgeResult,
  ALERT_SORT_HELP,
  AlertPage,
  AlertParams,
  AlertQuery,
  AlertView,
  presentAlert,
  toAcknowledged,
  toAlertFilter,
} from './alerts.schemas.ts';
import type { AlertsService } from './alerts.service.ts';

const tags = ['monitoring'];

/** `/api/v1/monitoring/alerts` */
export function createAlertsRoutes(alerts: AlertsService): HttpRoutes {
  return (app) => {
    app.get(
      '/alerts',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listAlerts',
          summary: 'List alerts',
          description: `A USER sees those of the devices that it owns. Unacknowledged ones unless \`is_acknowledged\` says otherwise, newest first unless sorted. \`q\` looks into rule name, device_uid and message of the newest 10,000 that match the other filters. ${ALERT_SORT_HELP}`,
          querystring: AlertQuery,
          response: { 200: AlertPage },
        },
      },
      async (request) => {
        const { page, size, sort, q } = request.query;
        const filter = toAlertFilter(request.query);
        const found = await alerts.list(principalOf(request), {
          page,
          size,
          filter,
          ...defined({ sort, q }),
        });
        return { ...found, items: found.items.map(presentAlert) };
      },
    );

    app.get(
      '/alerts/:alert_id',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_not_found] },
        schema: {
          tags,
          operationId: 'getAlert',
          summary: 'Get an alert',
          description: 'For MANAGEMENT and the owner of the device: to others the alert is not there (404).',
          params: AlertParams,
          response: { 200: AlertView },
        },
      },
      async (request) => presentAlert(await alerts.get(principalOf(request), request.params.alert_id)),
    );

    app.post(
      '/alerts/:alert_id/acknowledge',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_not_found] },
        schema: {
          tags,
          operationId: 'acknowledgeAlert',
          summary: 'Acknowledge an alert',
          description:
            'Says that somebody has taken notice; the alert is cleared by itself, before or after. The first one counts: ' +
            'doing it again changes nothing. For MANAGEMENT and the owner of the device: to others the alert is not there (404).',
          params: AlertParams,
          response: { 200: AlertView },
        },
      },
      async (request) => presentAlert(await alerts.acknowledge(principalOf(request), request.params.alert_id)),
    );

    app.post(
      '/alerts/acknowledge',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'acknowledgeAlerts',
          summary: 'Acknowledge several alerts',
          description:
            'Those of `ids` (1,000 at the most), or all that match the other fields; an empty body means every alert. Those ' +
            'that have been acknowledged, and ids that are not there, are left out, and so is what is raised meanwhile.',
          body: AcknowledgeBody,
          response: { 200: AcknowledgeResult },
        },
      },
      async (request) => ({
        acknowledged: await alerts.acknowledgeMany(principalOf(request), toAcknowledged(request.body), request.body),
      }),
    );
  };
}
