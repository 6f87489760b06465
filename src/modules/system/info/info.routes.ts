import type { HttpRoutes } from '#platform/http/http.port.ts';
import { ConnectionView, HealthView, InfoView, presentConnection, presentInfo } from './info.schemas.ts';
import type { InfoService } from './info.service.ts';

const tags = ['system'];

/** `/api/v1/system` */
export function createInfoRoutes(info: InfoService): HttpRoutes {
  return (app) => {
    app.get(
      '/health',
      {
        config: { access: 'public', rateLimitExempt: true },
        schema: {
          tags,
          operationId: 'getHealth',
          summary: 'Is it there',
          description: 'Answers as long as the process does. What is away, if anything, says `/readyz`.',
          response: { 200: HealthView },
        },
      },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/connection',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'getConnectionAddresses',
          summary: 'Say where devices connect',
          description:
            'As `MQTT_PUBLIC_URL` says. Without it: as `MQTT_URL` says, or the broker of this server, at the host of `PUBLIC_URL` ' +
            'or `MQTT_HOST`; where that is all interfaces, at the host of this request. For HTTP, use the address of this request.',
          response: { 200: ConnectionView },
        },
      },
      async (request) => presentConnection(info.brokerAddresses(request.hostname)),
    );

    app.get(
      '/info',
      {
        config: { access: ['SUPERADMIN'] },
        schema: {
          tags,
          operationId: 'getSystemInfo',
          summary: 'Describe the system',
          description: 'Version, runtime, adapters in use and how many records there are. Of the process that answers.',
          response: { 200: InfoView },
        },
      },
      async () => presentInfo(await info.describe()),
    );
  };
}
