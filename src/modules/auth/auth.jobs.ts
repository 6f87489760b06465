import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { AuthApi } from './auth.api.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    cleanup_expired_tokens: Record<string, never>;
  }
}

export function createAuthJobs(api: Pick<AuthApi, 'removeExpiredTokens'>): readonly JobDefinition[] {
  const cleanup: JobDefinition<'cleanup_expired_tokens'> = {
    name: 'cleanup_expired_tokens',
    queue: 'default',
    description: 'Removes sessions, refresh tokens, single-use tokens and personal access tokens that have expired.',
    schedule: '0 3 * * *',
    defaultData: {},
    run: async () => ({ removed: await api.removeExpiredTokens() }),
  };
  return [cleanup];
}
