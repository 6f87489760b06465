import type { HttpRoutes } from '#platform/http/http.port.ts';
import { HealthView, InfoView, presentInfo } from './info.schemas.ts';
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
