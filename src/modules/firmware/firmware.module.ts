import type { Clock } from '#kernel/clock.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { FirmwareApi } from './firmware.api.ts';
import { createFirmwareJobs } from './firmware.jobs.ts';
import { createInstallationKeys } from './firmware.keys.ts';
import type { FirmwareRefusals, FirmwareUsage } from './firmware.ports.ts';
import { createFirmwareStore, findFirmwareIn } from './firmware.repository.ts';
import { createDeviceFirmwareRoutes, createFirmwareKeyRoutes, createFirmwareRoutes } from './firmware.routes.ts';
import { createFirmwareService } from './firmware.service.ts';

export interface FirmwareModuleDeps {
  readonly persistence: {
    readonly sql: SqlStore;
    readonly audit: AuditTrail;
    readonly blobs: BlobStore;
    /** Of devices that are known, and of whoever has a link. */
    readonly refusals: FirmwareRefusals;
  };
  /** Who rolls images out. Null: nobody, and devices have nothing to ask for. */
  readonly usage: FirmwareUsage | null;
  readonly clock: Clock;
  readonly options: {
    readonly keysFolder: string;
    readonly maxBytes: number;
    readonly requiresSignature: boolean;
    readonly publicUrl: () => string;
  };
}

export interface FirmwareModule extends ModuleWith<'routes' | 'jobs' | 'components'> {
  readonly api: FirmwareApi;
}

/** Images, who has signed them, and how devices get them. */
export function createFirmwareModule({ persistence, usage, clock, options }: FirmwareModuleDeps): FirmwareModule {
  const { sql, audit, blobs, refusals } = persistence;
  const { keysFolder, maxBytes, requiresSignature, publicUrl } = options;
  const store = createFirmwareStore(sql, audit, usage);
  const keys = createInstallationKeys(keysFolder);
  const firmware = createFirmwareService({
    ...{ store, blobs, keys, usage, refusals, clock, maxBytes, requiresSignature },
  });
  return {
    name: 'firmware',
    api: { find: store.findById, findIn: findFirmwareIn, read: firmware.read },
    routes: [
      { prefix: '/api/v1/firmware-keys', routes: createFirmwareKeyRoutes(firmware) },
      { prefix: '/api/v1/firmware', routes: createFirmwareRoutes(firmware, { maxBytes, publicUrl }) },
      ...(usage === null
        ? []
        : [{ prefix: '/api/v1/device', role: 'ingest' as const, routes: createDeviceFirmwareRoutes(firmware) }]),
    ],
    jobs: createFirmwareJobs(firmware),
    components: [keys],
  };
}
