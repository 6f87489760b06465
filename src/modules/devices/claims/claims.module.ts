import { randomBytes } from 'node:crypto';
import type { Clock } from '#kernel/clock.ts';
import { readKeyFile } from '#kernel/key-file.ts';
import type { Logger } from '#kernel/logger.ts';
import type { AuditTrail, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { BrokerAddress } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createProvisionMqtt } from './claims.mqtt.ts';
import { createClaimStore } from './claims.repository.ts';
import { createClaimRoutes, createProvisionRoutes } from './claims.routes.ts';
import { type ClaimsServiceDeps, createClaimsService } from './claims.service.ts';

/** What claims need beyond the devices. */
export interface ClaimsPlatform {
  /** Of what is refused to devices. */
  readonly refusals: RefusalTrail;
  readonly counters: CounterStore;
  readonly keysFolder: string;
  /** Where a new device is told to connect. @param hasCertificate whether it has one */
  readonly brokerAddress: (hasCertificate: boolean) => BrokerAddress;
  /** Told how each try ended: `done`, or the code of what was wrong. */
  readonly onAttempt: (result: string) => void;
}

const KEY = 'claims.key';
const KEY_BYTES = 32;

/** Claims, by which devices register themselves. */
export function createClaims({
  platform,
  persistence,
  channels,
  logger,
  ...deps
}: Pick<ClaimsServiceDeps, 'devices' | 'groups' | 'users' | 'issuer'> & {
  readonly platform: ClaimsPlatform;
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail };
  /** What devices may publish: last levels of topics. */
  readonly channels: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}) {
  let key: Buffer | undefined;
  const claims = createClaimsService({
    ...deps,
    store: createClaimStore(persistence.sql, persistence.audit),
    refusals: platform.refusals,
    counters: platform.counters,
    onAttempt: platform.onAttempt,
    key() {
      if (key === undefined) throw new Error('the key of claims has not been loaded');
      return key;
    },
  });
  const broker = { channels, address: platform.brokerAddress };
  return {
    identify: claims.identify,
    provision: createProvisionMqtt(claims, broker, logger),
    routes: [
      { prefix: '/api/v1/provisioning/claims', routes: createClaimRoutes(claims) },
      { prefix: '/api/v1', role: 'ingest' as const, routes: createProvisionRoutes(claims, broker) },
    ],
    component: {
      name: 'key of claims',
      async start() {
        key = await readKeyFile(platform.keysFolder, KEY, () => randomBytes(KEY_BYTES));
      },
    },
  };
}
