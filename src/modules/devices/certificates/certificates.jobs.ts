import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { CertificateEnds } from './ends.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    warn_of_certificates: Record<string, never>;
  }
}

export function createCertificateJobs(ends: Pick<CertificateEnds, 'warn' | 'forget'>): readonly JobDefinition[] {
  const warnOfCertificates: JobDefinition<'warn_of_certificates'> = {
    name: 'warn_of_certificates',
    queue: 'devices',
    description: 'Tells of certificates of devices that end within 30 days, and forgets those that ended 90 days ago.',
    schedule: '20 * * * *',
    defaultData: {},
    run: async (_, { signal }) => ({ warned: await ends.warn(signal), forgotten: await ends.forget(signal) }),
  };
  return [warnOfCertificates];
}
