import { setTimeout as sleep } from 'node:timers/promises';
import { dueAfter, type Phase } from '../load/schedule.ts';
import { logIn, registerDevices, signInManagers } from '../support/api.ts';
import { cpuSeconds } from '../support/linux.ts';
import { createMqttRuns, type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder, startSystem } from '../support/system.ts';
import { openViewers, type Viewers } from '../support/viewers.ts';

/** For the last thinned update to arrive. */
/** As many as the server lets one user have. */
const CONNECTIONS_PER_USER = 50;
const SETTLE_MS = 1_000;

interface WatchedRun extends MqttRun {
  readonly events: number;
  readonly eventLatency: { readonly p50: number; readonly p99: number };
  readonly systemCores: number;
  readonly viewerCores: number;
  readonly upToDate: { readonly seen: number; readonly of: number };
}

export const fanout = defineScenario({
  summary: 'from publish to the event in the browsers of those who watch, and what watching costs',
  options: {
    viewers: { default: 200, help: 'Socket.IO connections' },
    watch: { default: 5, help: 'devices that each of them watches' },
    rate: { default: 5_000, help: 'messages a second' },
    connections: { default: 100, help: 'devices that send them, one MQTT connection each' },
    burst: { default: 1, help: 'ms between the writes of a connection' },
    seconds: { default: 8, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'of nobody watching and everybody watching in turn' },
  },
  async run({ viewers: count, watch, rate, connections, burst, seconds, warmup, rounds }) {
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);
    const devices = await registerDevices(api, connections);
    const tokens = await signInManagers(api, system, Math.ceil(count / CONNECTIONS_PER_USER));
    const target = { pid: system.pid, port: system.mqttPort };
    const runs = createMqttRuns(devices, { window: 100, burstMs: burst });
    const phase: Phase = { warmupSeconds: warmup, seconds };
    const pace = { rate, burstMs: burst, connections };
    const perConnection = (rate / connections) * (warmup + seconds);

    async function watched(): Promise<WatchedRun> {
      using viewers = await openViewers({
        httpPort: system.httpPort,
        tokens,
        count,
        watch: (viewer) => Array.from({ length: watch }, (_, index) => (viewer * watch + index) % connections),
        deviceUids: devices.map(({ uid }) => uid),
      });
      const before = process.cpuUsage();
      const { run, cores } = await measured();
      await sleep(SETTLE_MS);
      const used = process.cpuUsage(before);
      const events = viewers.seen();
      return {
        ...run,
        events: events / (warmup + seconds),
        eventLatency: latenciesOf(viewers, run),
        systemCores: cores,
        viewerCores: (used.user + used.system) / 1e6 / (warmup + seconds),
        upToDate: viewers.upToDate((device) => run.lastTimestamps[device] ?? 0),
      };
    }

    async function measured() {
      const before = cpuSeconds(system.pid);
      const startedAt = performance.now();
      const run = await runs.run(target, rate, phase);
      const cores = (cpuSeconds(system.pid) - before) / ((performance.now() - startedAt) / 1000);
      return { run, cores };
    }

    /** Time stamps go up by one with each message: they say which message an event is about, and so when it was due. */
    function latenciesOf(viewers: Viewers, { startedAt, lastTimestamps, firstTimestamp }: MqttRun) {
      return viewers.latencies((device, timestamp) => {
        const n = timestamp - firstTimestamp;
        const due = dueAfter(pace, device, n);
        const known = n >= 0 && timestamp <= (lastTimestamps[device] ?? 0);
        return known && due >= warmup * 1000 ? startedAt + due : null;
      });
    }

    const alone: { run: MqttRun; cores: number }[] = [];
    const all: WatchedRun[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      alone.push(await measured());
      all.push(await watched());
      const last = all.at(-1);
      progress(
        `round ${round}: p99 ${readable(last?.eventLatency.p99 ?? 0)} ms, ${readable(last?.events ?? 0)} events/s, ` +
          `system ${readable(alone.at(-1)?.cores ?? 0)} → ${readable(last?.systemCores ?? 0)} cores`,
      );
    }

    const added = all.map((run, round) => Math.max(0, run.systemCores - (alone[round]?.cores ?? 0)));
    return {
      figures: [
        figure(
          'messages in',
          'messages/s',
          all.map((run) => run.rate),
        ),
        figure(
          'events out',
          'events/s',
          all.map((run) => run.events),
        ),
        figure(
          'publish to event, p50',
          'ms',
          all.map((run) => run.eventLatency.p50),
        ),
        figure(
          'publish to event, p99',
          'ms',
          all.map((run) => run.eventLatency.p99),
        ),
        figure(
          'publish to PUBACK, p99',
          'ms',
          all.map((run) => run.latency.p99),
        ),
        figure(
          'system, nobody watches',
          'cores',
          alone.map(({ cores }) => cores),
        ),
        figure(
          'system, all watch',
          'cores',
          all.map((run) => run.systemCores),
        ),
        figure(
          'watching',
          '% of its processor time',
          all.map((run, round) => (100 * (added[round] ?? 0)) / run.systemCores),
        ),
        figure(
          'watching',
          'µs/event',
          all.map((run, round) => ((added[round] ?? 0) * 1e6) / run.events),
        ),
        figure(
          'viewers',
          'cores',
          all.map((run) => run.viewerCores),
        ),
      ],
      proofs: [
        ...(await proveStored(api, devices, [...alone.map(({ run }) => run), ...all])),
        {
          claim: `of ${all[0]?.upToDate.of} pairs of viewer and device, ${Math.min(...all.map(({ upToDate }) => upToDate.seen))} ended with the newest message`,
          holds: all.every(({ upToDate }) => upToDate.seen === upToDate.of),
        },
        {
          claim: `the pace of ${rate}/s was held`,
          holds: [...alone.map(({ run }) => run), ...all].every((run) => run.rate > rate * 0.97),
        },
      ],
      notes: [
        `each device sends ${readable(perConnection / (warmup + seconds))} messages/s; the live view shows a device at most every 50 ms`,
      ],
    };
  },
});
