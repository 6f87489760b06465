import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { HttpMount } from '#platform/http/http.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createAggregationService } from './aggregation.service.ts';
import { createBucketRoutes } from './analytics.routes.ts';

export interface AnalyticsModuleDependencies {
  readonly telemetry: TelemetryStore;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly clock: Clock;
}

export interface AnalyticsModule {
  readonly routes: readonly HttpMount[];
}

export function createAnalyticsModule({ telemetry, devices, clock }: AnalyticsModuleDependencies): AnalyticsModule {
  const aggregation = createAggregationService({ telemetry, devices, clock });
  return { routes: [{ prefix: '/api/v1/analytics', routes: createBucketRoutes(aggregation) }] };
}
