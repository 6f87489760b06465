import type { MqttLoad, MqttLoadResult } from '../load/mqtt-load.ts';
import { metricsAt } from '../load/mqtt-packets.ts';
import type { Phase } from '../load/schedule.ts';
import type { Api, RegisteredDevice } from './api.ts';
import { runChild } from './child.ts';
import { cpuSeconds } from './linux.ts';
import type { Proof } from './report.ts';

/** Something that takes MQTT messages: the system or its yardstick. */
export interface MqttTarget {
  readonly pid: number;
  readonly port: number;
}

export interface MqttRun extends MqttLoadResult {
  /** CPU time of the target for one acknowledged message. Says more than the rate on a machine that others use too. */
  readonly cpuMicroseconds: number;
}

export interface MqttRuns {
  /** @param rate messages a second; null floods */
  run(target: MqttTarget, rate: number | null, phase: Phase): Promise<MqttRun>;
}

const GENERATOR = new URL('../load/mqtt-load.ts', import.meta.url);
const ONE_DAY_MS = 86_400_000;

/**
 * The same devices and messages for every target; time stamps go on from run to run, so that none is sent twice.
 * With a step between them they are of the present, else of the day before.
 */
export function createMqttRuns(
  devices: readonly RegisteredDevice[],
  shape: Pick<MqttLoad, 'window' | 'burstMs' | 'stepMs'>,
): MqttRuns {
  let firstTimestamp = Date.now() - ONE_DAY_MS;
  const logins = devices.map(({ uid, secret }) => ({ uid, secret }));
  return {
    async run(target, rate, phase) {
      const before = cpuSeconds(target.pid);
      if (shape.stepMs !== undefined) firstTimestamp = Date.now();
      const load: MqttLoad = { ...phase, ...shape, port: target.port, devices: logins, rate, firstTimestamp };
      const result = await runChild<MqttLoadResult>(GENERATOR, load);
      firstTimestamp = Math.max(...result.lastTimestamps) + 1;
      return {
        ...result,
        firstTimestamp: load.firstTimestamp,
        cpuMicroseconds: ((cpuSeconds(target.pid) - before) * 1e6) / result.acknowledged,
      };
    },
  };
}

/**
 * Asks the system itself whether what it acknowledged in `runs` is what it has.
 * @param before how many messages it had of these devices before
 */
export async function proveStored(
  api: Api,
  devices: readonly RegisteredDevice[],
  runs: readonly MqttRun[],
  before = 0,
): Promise<Proof[]> {
  const acknowledged = runs.reduce((sum, run) => sum + run.acknowledged, 0);
  let stored = -before;
  let received = -before;
  let newestShown = 0;
  for (const [index, { id }] of devices.entries()) {
    const ledger = await api.get<Ledger>(`/api/v1/devices/${id}/ledger`);
    stored += ledger.stored;
    received += ledger.received;
    const latest = await api.get<Latest>(`/api/v1/devices/${id}/telemetry/latest`);
    if (shows(latest, runs.at(-1)?.lastTimestamps[index] ?? 0)) newestShown += 1;
  }
  return [
    {
      claim: `${acknowledged} messages acknowledged, ${stored} stored, ${received} received by the ledgers`,
      holds: stored === acknowledged && received === acknowledged,
    },
    {
      claim: `the latest values of ${newestShown} of ${devices.length} devices are those of its last message`,
      holds: newestShown === devices.length,
    },
  ];
}

interface Ledger {
  readonly received: number;
  readonly stored: number;
}

interface Latest {
  readonly metrics: Readonly<Record<string, { readonly value: unknown; readonly timestamp: string }>>;
}

function shows({ metrics }: Latest, timestamp: number): boolean {
  return Object.entries(metricsAt(timestamp)).every(
    ([name, value]) => metrics[name]?.value === value && Date.parse(metrics[name].timestamp) === timestamp,
  );
}
