/** How long entries of `device_logs` are kept, in milliseconds. Older ones are rejected. */
export const LOG_RETENTION_MS = 90 * 86_400_000;

/** A record of `device_logs`. `timestamp` is epoch milliseconds. */
export interface DeviceLog {
  readonly id: string;
  readonly device_id: number;
  /** Who says so. Absent in what was stored before this was told apart. */
  readonly source?: 'server' | 'device';
  readonly event_type: string;
  readonly level: string;
  readonly message: string | null;
  readonly payload: unknown;
  readonly timestamp: number;
}
