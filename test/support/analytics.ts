import { type AnalyticsModule, createAnalyticsModule } from '#modules/analytics/index.ts';
import type { DeviceStatus, StatusSource } from '#modules/devices/index.ts';
import { createDeviceLogs } from '#modules/telemetry/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createDuckdb } from '#platform/columnar/duckdb/duckdb.ts';
import type { Stretch } from '#platform/runs/runs.port.ts';
import type { Metrics } from '#platform/telemetry/telemetry.port.ts';
import { createDevicesHarness, type DevicesHarness } from './devices.ts';
import { createTestApp, type TestApp, type TestRequest, type TestResponse } from './http.ts';
import { createTestStores, type TestStores } from './stores.ts';

/** Analytics over real stores, and a device to be looked at. */
export interface AnalyticsHarness {
  readonly devices: DevicesHarness;
  readonly stores: TestStores;
  /** When the server did not run; fill it. */
  readonly gaps: Stretch[];
  readonly module: AnalyticsModule;
  readonly app: TestApp;
  /** Asks `/api/v1/analytics…` as a MANAGER. */
  ask(path: string, query?: TestRequest['query'], method?: 'GET' | 'POST', body?: unknown): Promise<TestResponse>;
  /** Registers a device. @returns its id */
  device(): Promise<number>;
  append(
    deviceId: number,
    samples: readonly (readonly [timestamp: number | string, metrics: Metrics])[],
  ): Promise<void>;
  /** Logs a change of status. */
  changed(deviceId: number, at: string, from: DeviceStatus, to: DeviceStatus, source?: StatusSource): Promise<void>;
  rollUp(): Promise<void>;
  close(): Promise<void>;
}

export async function createAnalyticsHarness(telemetryRetentionMs = 365 * 86_400_000): Promise<AnalyticsHarness> {
  const devices = await createDevicesHarness();
  const { clock } = devices;
  const stores = createTestStores(clock);
  const { telemetry } = stores;
  const logs = createDeviceLogs(stores.documents);
  const columns = createDuckdb();
  const gaps: Stretch[] = [];
  const module = createAnalyticsModule({
    retentionMs: 365 * 86_400_000,
    telemetryRetentionMs,
    audit: createAuditTrail({ sql: devices.sql, clock }),
    stores,
    columns,
    devices: devices.api,
    logs,
    runs: { gaps: async () => gaps },
    clock,
    timeZone: 'Asia/Seoul',
  });
  const app = await createTestApp({ routes: module.routes, clock });
  await stores.start();
  return {
    devices,
    stores,
    gaps,
    module,
    app,
    ask: (path, query = {}, method = 'GET', body = undefined) =>
      app.request({
        ...{ method, url: `/api/v1/analytics${path}`, query, as: devices.actors.MANAGER },
        ...(body === undefined ? {} : { body }),
      }),
    device: async () => (await devices.device()).id,
    async append(deviceId, samples) {
      const all = samples.map(([at, metrics]) => ({
        deviceId,
        timestamp: typeof at === 'string' ? Date.parse(at) : at,
        metrics,
      }));
      for (let from = 0; from < all.length; from += 5_000) {
        await telemetry.append({ samples: all.slice(from, from + 5_000), counts: [] });
      }
    },
    async changed(deviceId, at, from, to, source = 'connection') {
      const transition = { id: `${deviceId}-${at}`, deviceId, from, to, at: Date.parse(at), source };
      await logs.append([transition]);
    },
    async rollUp() {
      while ((await telemetry.rollUp({ endedBefore: clock.now(), limit: 100 })) === 100);
    },
    async close() {
      await app.close();
      await columns.stop?.(AbortSignal.timeout(1_000));
      await stores.close();
      await devices.close();
    },
  };
}
