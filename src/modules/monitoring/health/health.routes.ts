import { MANAGEMENT } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import type { HttpRoutes } from '#platform/http/http.port.ts';
import { HealthView } from './health.schemas.ts';
import type { HealthService } from './health.service.ts';

/** `/api/v1/monitoring/health` */
export function createHealthRoutes(health: HealthService, clock: Clock): HttpRoutes {
  return (app) => {
    app.get(
      '/health',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags: ['monitoring'],
          operationId: 'getComponentHealth',
          summary: 'Health of every component',
          description:
            'Asks every part that this process uses, at once. Always 200: `status` is `degraded` while one is away. For ' +
            'load balancers there is `/readyz`.',
          response: { 200: HealthView },
        },
      },
      async () => {
        const components = await health.check();
        return {
          status: components.every(({ status }) => status === 'ok') ? ('ok' as const) : ('degraded' as const),
          checked_at: toIso(clock.now()),
          components: components.map(({ latencyMs, ...rest }) => ({ ...rest, latency_ms: latencyMs })),
        };
      },
    );
  };
}
