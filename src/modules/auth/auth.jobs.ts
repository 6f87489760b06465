import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { AuthService } from './auth.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    cleanup_expired_tokens: Record<string, never>;
  }
}

export function createAuthJobs(service: Pick<AuthService, 'removeExpiredTokens'>): readonly JobDefinition[] {
  const cleanup: JobDefinition<'cleanup_expired_tokens'> = {
    name: 'cleanup_expired_tokens',
    queue: 'default',
    description: 'Removes refresh tokens that have expired.',
    schedule: '0 3 * * *',
    defaultData: {},
    run: async () => ({ removed: await service.removeExpiredTokens() }),
  };
  return [cleanup];
}
