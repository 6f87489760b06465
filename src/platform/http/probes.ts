import { within } from '#kernel/concurrency.ts';
import type { HttpRoutes } from './http.port.ts';

export interface ProbeOptions {
  /** Name → rejects when that part is away. All are asked at each probe, each with a deadline. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** True from the end of the start to the beginning of the stop. */
  readonly isServing: () => boolean;
}

const CHECK_DEADLINE_MS = 2_000;
const config = { access: 'public', rateLimitExempt: true, probe: true } as const;

/** `/livez`: the process answers. `/readyz`: every part that it needs is there; 503 names those that are not. */
export function createProbeRoutes({ checks, isServing }: ProbeOptions): HttpRoutes {
  return (app) => {
    app.get('/livez', { config, schema: { hide: true } }, async () => ({ status: 'ok' }));
    app.get('/readyz', { config, schema: { hide: true } }, async (_request, reply) => {
      const results: Record<string, 'ok' | 'away'> = { server: isServing() ? 'ok' : 'away' };
      await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          results[name] = await within(CHECK_DEADLINE_MS, check(), () => new Error('late')).then(
            () => 'ok' as const,
            () => 'away' as const,
          );
        }),
      );
      const ready = Object.values(results).every((result) => result === 'ok');
      reply.code(ready ? 200 : 503);
      return { status: ready ? 'ok' : 'unavailable', checks: results };
    });
  };
}
