import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { AuditTrail, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { X509 } from '#platform/x509/x509.port.ts';
import { createAuthoritiesService } from './authorities.service.ts';
import { createCertificateJobs } from './certificates.jobs.ts';
import type { CertificateIssuer } from './certificates.ports.ts';
import { createCertificateStore } from './certificates.repository.ts';
import { createAuthorityRoutes, createCertificateRoutes } from './certificates.routes.ts';
import { createCertificateEnds } from './ends.service.ts';
import { createIssuingRoutes } from './issuing.routes.ts';
import { createIssuingService } from './issuing.service.ts';
import { type CertificateLoginsDeps, createCertificateLogins } from './logins.service.ts';
import { createOwnAuthority } from './own-authority.ts';

/** What certificates need beyond the devices. */
export interface CertificatesPlatform {
  readonly x509: X509;
  /** Of what is refused to devices. */
  readonly refusals: RefusalTrail;
  /** Where the key of the installation as an authority is, once it is one. */
  readonly keysFolder: string;
}

export interface CertificatesDeps {
  readonly platform: CertificatesPlatform;
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail };
  readonly devices: CertificateLoginsDeps['devices'];
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Authorities, the certificates of devices, and logins by them. */
export function createCertificates({ platform, persistence, devices, clock, events }: CertificatesDeps) {
  const { x509, refusals, keysFolder } = platform;
  const store = createCertificateStore(persistence.sql, persistence.audit);
  const authorities = createAuthoritiesService({ store, x509, clock, events });
  const logins = createCertificateLogins({ store, x509, devices, refusals, clock, events });
  const own = createOwnAuthority({ folder: keysFolder, store, x509, clock });
  const issuing = createIssuingService({ store, x509, own, devices, logins, clock });
  const ends = createCertificateEnds({ store, clock, events });
  return {
    identify: logins.identify,
    issuer: issuing as CertificateIssuer,
    routes: [
      { prefix: '/api/v1/provisioning/cas', routes: createAuthorityRoutes(authorities) },
      { prefix: '/api/v1/provisioning/certificates', routes: createCertificateRoutes(authorities) },
      { prefix: '/api/v1/device', role: 'ingest' as const, routes: createIssuingRoutes(issuing) },
    ],
    jobs: createCertificateJobs(ends),
    gauges: [
      {
        name: 'core_api_device_certificates_ending',
        help: 'Certificates of devices in use that end within 30 days without a later one, of the whole installation',
        labels: [],
        read: async () => [{ labels: {}, value: await ends.count() }],
      },
    ],
  };
}
