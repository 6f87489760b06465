/** What other modules may ask of alerts. They are told of them by `alert.raised`, `alert.cleared`, `alert.acknowledged`. */
export interface MonitoringApi {
  /** Of the whole installation, as stored now. @throws AppError `unavailable` */
  counts(): Promise<{
    readonly alerts_active: number;
    /** ACTIVE or cleared, and nobody has taken notice. */
    readonly alerts_not_acknowledged: number;
  }>;
  /** Alerts of these devices that were raised at or after `since`, epoch milliseconds. @throws AppError `unavailable` */
  countRaised(deviceIds: readonly number[], since: number): Promise<number>;
}
