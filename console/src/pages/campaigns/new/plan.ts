import type { components } from '#console/api/schema.d.ts';
import { NO_TARGET, type TargetChoice, targetOf } from '#console/components/target-picker.tsx';
import { type GateCondition, NEW_CONDITION } from '../gates.ts';

type NewCampaign = components['schemas']['NewCampaign'];
export type Firmware = components['schemas']['Firmware'];

export interface StagePlan {
  readonly key: number;
  readonly unit: 'percent' | 'devices';
  readonly size: number;
  readonly gate: readonly GateCondition[];
}

/** What the wizard has been told. Times are as their inputs have them. */
export interface Plan {
  readonly name: string;
  readonly firmware: Firmware | null;
  readonly target: TargetChoice;
  readonly stages: readonly StagePlan[];
  /** `datetime-local`, in the viewer's zone. */
  readonly startAt: string;
  readonly windows: readonly { readonly key: number; readonly from: string; readonly to: string }[];
  readonly zone: string;
  readonly deviceZone: boolean;
  readonly rate: number | '';
  readonly maxRetries: number;
  readonly backoffSeconds: number;
  /** Minutes. */
  readonly timeouts: Readonly<Record<'seen' | 'offered' | 'downloading' | 'installing', number>>;
  readonly onFail: 'pause' | 'abort';
  readonly continuous: boolean;
  readonly requiresApproval: boolean;
}

export const NEW_PLAN: Plan = {
  name: '',
  firmware: null,
  target: { ...NO_TARGET, kind: 'all' },
  stages: [
    { key: 1, unit: 'percent', size: 5, gate: [NEW_CONDITION.failed_share, NEW_CONDITION.bake_time] },
    { key: 2, unit: 'percent', size: 100, gate: [] },
  ],
  startAt: '',
  windows: [],
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  deviceZone: false,
  rate: '',
  maxRetries: 2,
  backoffSeconds: 300,
  timeouts: { seen: 7 * 24 * 60, offered: 60, downloading: 60, installing: 30 },
  onFail: 'pause',
  continuous: false,
  requiresApproval: false,
};

/** A key that none of the list has. */
export const nextKey = (list: readonly { readonly key: number }[]): number =>
  Math.max(0, ...list.map(({ key }) => key)) + 1;

/** As the API takes it; undefined: something is missing. */
export function toBody(plan: Plan): NewCampaign | undefined {
  const target = targetOf(plan.target);
  if (plan.firmware === null || target === undefined) return undefined;
  const { windows, rate, startAt } = plan;
  return {
    name: plan.name.trim(),
    firmware_id: plan.firmware.id,
    target,
    stages: plan.stages.map(({ unit, size, gate }) => ({
      ...(unit === 'percent' ? { percent: size } : { devices: size }),
      gate: [...gate],
    })),
    ...(rate === '' ? {} : { rate_per_minute: rate }),
    schedule: {
      ...(startAt === '' ? {} : { start_at: new Date(startAt).toISOString() }),
      windows: windows.map(({ from, to }) => ({ from, to })),
      zone: plan.zone,
      device_zone: plan.deviceZone,
    },
    retries: { max: plan.maxRetries, backoff_seconds: plan.backoffSeconds },
    timeouts: {
      seen_seconds: plan.timeouts.seen * 60,
      offered_seconds: plan.timeouts.offered * 60,
      downloading_seconds: plan.timeouts.downloading * 60,
      installing_seconds: plan.timeouts.installing * 60,
    },
    on_fail: plan.onFail,
    continuous: plan.continuous,
    requires_approval: plan.requiresApproval,
  };
}
