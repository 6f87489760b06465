import type { DeviceFacts, DevicesApi } from '#modules/devices/index.ts';
import type { Sample } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule } from '../rules/rules.ports.ts';
import type { RuleIndex } from './rule-index.ts';

/** The rules of one device. */
export interface DevicePlan {
  readonly device: DeviceFacts;
  readonly rules: readonly AlertRule[];
  readonly metrics: readonly string[];
}

export interface DevicePlans {
  /** Whether the sample may matter. One look for a device without rules. */
  concerns(sample: Sample): boolean;
  /** The plans of those of the devices that exist; those that are known to have no rules may be left out. */
  resolve(deviceIds: readonly number[]): Promise<ReadonlyMap<number, DevicePlan>>;
  forget(deviceId: number): void;
  forgetAll(): void;
}

/** Which rules are about which device, found out when it is first heard from and kept until something changes. */
export function createDevicePlans(index: RuleIndex, devices: Pick<DevicesApi, 'describe'>): DevicePlans {
  /** Null: it has no rules. */
  const plans = new Map<number, DevicePlan | null>();
  let epoch = 0;

  return {
    concerns({ deviceId, metrics }) {
      if (index.isEmpty()) return false;
      const plan = plans.get(deviceId);
      if (plan === null) return false;
      if (plan === undefined) return true;
      for (const metric of plan.metrics) if (metrics[metric] !== undefined) return true;
      return false;
    },
    async resolve(deviceIds) {
      const found = new Map<number, DevicePlan>();
      const unknown: number[] = [];
      for (const deviceId of deviceIds) {
        const plan = plans.get(deviceId);
        if (plan === undefined) unknown.push(deviceId);
        else if (plan !== null) found.set(deviceId, plan);
      }
      if (unknown.length === 0) return found;
      const began = epoch;
      const described = new Map((await devices.describe(unknown)).map((device) => [device.deviceId, device]));
      for (const deviceId of unknown) {
        const device = described.get(deviceId);
        const plan = device === undefined ? null : planOf(device, index);
        if (plan !== null) found.set(deviceId, plan);
        // What changed meanwhile may not be in it.
        if (began === epoch) plans.set(deviceId, plan === null || plan.rules.length === 0 ? null : plan);
      }
      return found;
    },
    forget(deviceId) {
      epoch += 1;
      plans.delete(deviceId);
    },
    forgetAll() {
      epoch += 1;
      plans.clear();
    },
  };
}

function planOf(device: DeviceFacts, index: RuleIndex): DevicePlan {
  const rules = index.about(device);
  return { device, rules, metrics: [...new Set(rules.map(({ metric }) => metric).filter((metric) => metric !== ''))] };
}
