import type { DownlinkRefusal, KnownConnections } from '#platform/mqtt/downlink.port.ts';

export interface DeviceConnections extends KnownConnections {
  /** Newest first. */
  readonly refusals: readonly DownlinkRefusal[];
  /** Whether the broker tells of refusals at all. */
  readonly reportsRefusals: boolean;
}
