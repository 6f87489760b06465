import { type Static, Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { CertificateEnds } from './ends.service.ts';

const WarnOfCertificates = Strict('WarnOfCertificates', {
  within_days: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 3_650, description: 'Of those that end within as many days', examples: [60] }),
  ),
});

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    warn_of_certificates: Static<typeof WarnOfCertificates>;
  }
}

export function createCertificateJobs(
  ends: Pick<CertificateEnds, 'warn' | 'cut' | 'forget'>,
): readonly JobDefinition[] {
  const warnOfCertificates: JobDefinition<'warn_of_certificates'> = {
    name: 'warn_of_certificates',
    queue: 'devices',
    description:
      'Tells of certificates of devices that end within 30 days, or as many as it is told; ends connections with those that have ended, and forgets them after 90 days.',
    schedule: '20 * * * *',
    defaultData: {},
    dataSchema: WarnOfCertificates,
    run: async ({ within_days }, { signal }) => ({
      warned: await ends.warn(signal, within_days),
      ended: await ends.cut(signal),
      forgotten: await ends.forget(signal),
    }),
  };
  return [warnOfCertificates];
}
