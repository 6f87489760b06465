import { silentLogger } from '#kernel/logger.ts';
import type { Settings } from '../settings.ts';

/** A server outside the process as somebody finds who looks at it once. */
export interface Inspection {
  /** Name and version. */
  readonly what: string;
  /** It serves, but this should be mended: what is wrong, and what to do. */
  readonly problems: readonly string[];
}

const DEADLINE_MS = 15_000;

/** By setting. Each rejects with AppError `unavailable`, in words for the operator, when it cannot be used. */
const INSPECTIONS: Readonly<Record<'DOCUMENTS_URL' | 'REDIS_URL' | 'MQTT_URL', (url: string) => Promise<Inspection>>> =
  {
    async DOCUMENTS_URL(url) {
      const { createMongodbConnection } = await import('#platform/mongodb/mongodb-connection.ts');
      const connection = createMongodbConnection({ url, logger: silentLogger });
      await connection.start?.(deadline());
      try {
        const { version, replicaSet } = await connection.server();
        const alone = 'a server alone: what it acknowledged is as safe as its one disk; use a replica set of three';
        return {
          what: `MongoDB ${version}${replicaSet === null ? '' : `, replica set ${replicaSet}`}`,
          problems: replicaSet === null ? [alone] : [],
        };
      } finally {
        await connection.stop?.(deadline());
      }
    },
    async REDIS_URL(url) {
      const { createRedisConnection } = await import('#platform/redis/redis-connection.ts');
      const connection = createRedisConnection({ url, logger: silentLogger });
      try {
        await connection.start?.(deadline());
        const { version, evicts } = await connection.server();
        const old = Number.parseInt(version, 10) < 7 ? [`version ${version} is too old: 7 or newer is needed`] : [];
        const forgets =
          evicts === null || evicts === 'noeviction'
            ? []
            : [`maxmemory-policy ${evicts} throws jobs away when memory is full: set noeviction`];
        return { what: `Redis ${version}`, problems: [...old, ...forgets] };
      } finally {
        await connection.stop?.(deadline());
      }
    },
    async MQTT_URL(url) {
      const { inspectMosquitto } = await import('#platform/mqtt/mosquitto/inspection.ts');
      const { version, problems } = await inspectMosquitto(url);
      return { what: version ?? 'a broker that does not say its version', problems };
    },
  };

/** Which of them the settings name. */
export function inspectionsOf(
  settings: Settings,
): readonly { readonly setting: string; look(): Promise<Inspection> }[] {
  return (['DOCUMENTS_URL', 'REDIS_URL', 'MQTT_URL'] as const).flatMap((setting) => {
    const url = settings[setting];
    return url === null ? [] : [{ setting, look: () => INSPECTIONS[setting](url) }];
  });
}

const deadline = () => AbortSignal.timeout(DEADLINE_MS);
