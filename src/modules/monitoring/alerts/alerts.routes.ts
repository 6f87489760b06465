import { MANAGEMENT } from '#kernel/access.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import {
  ALERT_SORT_HELP,
  AlertPage,
  AlertParams,
  AlertQuery,
  AlertView,
  presentAlert,
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
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listAlerts',
          summary: 'List alerts',
          description: `Unacknowledged ones unless \`is_acknowledged\` says otherwise, newest first unless sorted. ${ALERT_SORT_HELP}`,
          querystring: AlertQuery,
          response: { 200: AlertPage },
        },
      },
      async (request) => {
        const { page, size, sort } = request.query;
        const filter = toAlertFilter(request.query);
        const found = await alerts.list({ page, size, filter, ...(sort === undefined ? {} : { sort }) });
        return { ...found, items: found.items.map(presentAlert) };
      },
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
            'doing it again changes nothing. 404 `alert_not_found` also when the caller may not see the device.',
          params: AlertParams,
          response: { 200: AlertView },
        },
      },
      async (request) => presentAlert(await alerts.acknowledge(principalOf(request), request.params.alert_id)),
    );
  };
}
