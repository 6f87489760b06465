import type { FleetDevice } from './device-parts.ts';
import type { MishapShares } from './mishaps.ts';
import { startSimulatedDevice } from './simulated-device.ts';

export interface FleetOptions {
  readonly brokerUrl: string;
  /** Between two readings of a device, in milliseconds. */
  readonly intervalMs: number;
  /** How long a step of a command, a download and an installation takes, in milliseconds. */
  readonly stepMs: number;
  readonly mishaps: MishapShares;
  /** Whether devices lose their connection now and then. */
  readonly dropsOut: boolean;
}

export interface Fleet {
  /** What the devices have done so far: `120 messages acknowledged; command: 3 success, 1 error`. */
  summary(): string;
  stop(): Promise<void>;
}

/** Lets every device of a fleet live. Refusals are printed once per device and reason. */
export function startFleet(devices: readonly FleetDevice[], options: FleetOptions): Fleet {
  let acknowledged = 0;
  const counts = new Map<string, Map<string, number>>();
  const told = new Set<string>();
  const running = devices.map((device) =>
    startSimulatedDevice(device, {
      ...options,
      startWithinMs: Math.min(options.intervalMs, 2_000),
      onAcknowledged: () => {
        acknowledged += 1;
      },
      onEvent: (event) => {
        if (!('outcome' in event)) return;
        const ofKind = counts.get(event.kind) ?? new Map<string, number>();
        counts.set(event.kind, ofKind.set(event.outcome, (ofKind.get(event.outcome) ?? 0) + 1));
      },
      onRefused: (deviceUid, reason) => {
        if (told.has(`${deviceUid} ${reason}`)) return;
        told.add(`${deviceUid} ${reason}`);
        process.stderr.write(`${deviceUid}: ${reason}\n`);
      },
    }),
  );
  return {
    summary() {
      const kinds = [...counts].map(([kind, outcomes]) => {
        const parts = [...outcomes].map(([outcome, count]) => `${count} ${outcome.replaceAll('_', ' ')}`);
        return `; ${kind}: ${parts.join(', ')}`;
      });
      return `${acknowledged} messages acknowledged${kinds.join('')}`;
    },
    stop: async () => void (await Promise.all(running.map((device) => device.stop()))),
  };
}
