import type { Clock } from '#kernel/clock.ts';
import { type DeviceStatus, type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import { LOG_RETENTION_MS, type TelemetryApi } from '#modules/telemetry/index.ts';
import type { Runs } from '#platform/runs/runs.port.ts';
import type { TimeRange } from './analytics.ports.ts';
import { type AskedRange, rangeOf } from './ranges.ts';
import { type Uptime, uptimeOf } from './statistics/uptime.ts';

export interface StatusAnalysis extends TimeRange, Uptime {
  readonly currentStatus: DeviceStatus;
  /** Null when the log does not go back so far. */
  readonly currentSince: number | null;
}

export interface StatusAnalysisService {
  /** @throws AppError `device_not_found`, `invalid_analysis_range` */
  analyse(deviceId: number, asked: AskedRange): Promise<StatusAnalysis>;
}

export function createStatusAnalysisService(dependencies: {
  readonly devices: Pick<DevicesApi, 'describe' | 'statusOf'>;
  readonly logs: Pick<TelemetryApi, 'statusChanges'>;
  readonly runs: Pick<Runs, 'gaps'>;
  readonly clock: Clock;
}): StatusAnalysisService {
  const { devices, logs, runs, clock } = dependencies;
  return {
    async analyse(deviceId, asked) {
      const range = rangeOf(asked, clock);
      const [facts] = await devices.describe([deviceId]);
      const currentStatus = await devices.statusOf(deviceId);
      if (facts === undefined || currentStatus === null) throw deviceErrors.device_not_found();
      // What has not come, and what was before the device, is neither up nor down.
      const end = Math.min(range.end, clock.now());
      const start = Math.min(end, Math.max(range.start, facts.createdAt));
      const { before, changes } = await logs.statusChanges(deviceId, { start, end });
      const initial = before?.to ?? changes[0]?.from ?? currentStatus;
      const latest = await logs.statusChanges(deviceId, { start: clock.now() + 1, end: clock.now() + 1 });
      const since = latest.before?.to === currentStatus ? latest.before.at : null;
      return {
        ...range,
        ...uptimeOf(initial, changes, { start, end }, await runs.gaps({ start, end })),
        currentStatus,
        // A device that was made since the log began and never changed has been so from the start.
        currentSince:
          since ??
          (latest.before === null && facts.createdAt > clock.now() - LOG_RETENTION_MS ? facts.createdAt : null),
      };
    },
  };
}
