import { logIn, registerDevices } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { folderBytes, peakResidentMegabytes } from '../support/linux.ts';
import { openLiveViewer } from '../support/live-viewer.ts';
import { createMqttRuns, type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { median, ratios } from '../support/spread.ts';
import { createDataFolder, startSystem } from '../support/system.ts';
import type { YardstickReady } from '../yardsticks/aedes.ts';

const YARDSTICK = new URL('../yardsticks/aedes.ts', import.meta.url);

export const ingest = defineScenario({
  summary: 'durable, acknowledged MQTT messages, against the broker library with an empty handler',
  options: {
    connections: { default: 100, help: 'devices, one MQTT connection each' },
    window: { default: 100, help: 'unacknowledged messages a connection may have' },
    burst: { default: 10, help: 'ms between the writes of a connection at a constant rate' },
    seconds: { default: 8, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'of yardstick and system in turn' },
  },
  async run({ connections, window, burst, seconds, warmup, rounds }) {
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    await using yardstick = await startChild<YardstickReady>(YARDSTICK, null);
    const api = await logIn(system, folder);
    const devices = await registerDevices(api, connections);
    using viewer = await openLiveViewer(system.httpPort, api.token, devices[0]?.uid ?? '');

    const targets = {
      yardstick: { pid: yardstick.pid, port: yardstick.reply.port },
      system: { pid: system.pid, port: system.mqttPort },
    };
    const runs = createMqttRuns(devices, { window, burstMs: burst });
    const phase = { warmupSeconds: warmup, seconds };
    const bytesBefore = folderBytes(folder.path);

    async function inTurn(name: string, rate: number | null) {
      const done: Record<keyof typeof targets, MqttRun[]> = { yardstick: [], system: [] };
      for (let round = 1; round <= rounds; round += 1) {
        for (const target of ['yardstick', 'system'] as const) {
          const run = await runs.run(targets[target], rate, phase);
          done[target].push(run);
          progress(
            `${name}, round ${round}, ${target}: ${readable(run.rate)}/s, p99 ${readable(run.latency.p99)} ms, ` +
              `${readable(run.cpuMicroseconds)} µs CPU a message, generator ${readable(run.generatorCores)} cores`,
          );
        }
      }
      return done;
    }

    const flood = await inTurn('flood', null);
    const seenInFlood = viewer.seen();
    const half = Math.round(median(flood.system.map((run) => run.rate)) / 2);
    const paced = await inTurn(`paced at ${half}/s`, half);

    const peakMegabytes = peakResidentMegabytes(system.pid);
    const systemRuns = [...flood.system, ...paced.system];
    const proofs = await proveStored(api, devices, systemRuns);
    await system.stop();
    const acknowledged = systemRuns.reduce((sum, run) => sum + run.acknowledged, 0);
    const bytes = (folderBytes(folder.path) - bytesBefore) / acknowledged;

    const rates = (of: readonly MqttRun[]) => of.map((run) => run.rate);
    const costs = (of: readonly MqttRun[]) => of.map((run) => run.cpuMicroseconds);
    const p50s = (of: readonly MqttRun[]) => of.map((run) => run.latency.p50);
    const p99s = (of: readonly MqttRun[]) => of.map((run) => run.latency.p99);
    return {
      figures: [
        figure('yardstick, flood', 'messages/s', rates(flood.yardstick)),
        figure('system, flood', 'messages/s', rates(flood.system)),
        figure('ratio', '', ratios(rates(flood.system), rates(flood.yardstick)), { atLeast: 0.35 }),
        figure('yardstick, CPU', 'µs/message', costs(flood.yardstick)),
        figure('system, CPU', 'µs/message', costs(flood.system)),
        figure(
          'generator',
          'cores',
          flood.yardstick.map((run) => run.generatorCores),
        ),
        figure('paced at half of the system flood', 'messages/s', rates(paced.system)),
        figure('yardstick, paced, p99', 'ms', p99s(paced.yardstick)),
        figure('system, paced, p50', 'ms', p50s(paced.system)),
        figure('system, paced, p99', 'ms', p99s(paced.system), { below: 50 }),
        figure('system, peak resident', 'MB', [peakMegabytes]),
        figure('system, disk', 'bytes/message', [bytes]),
        figure('live view, flood', 'events/s', [seenInFlood / (rounds * (seconds + warmup))]),
      ],
      proofs: [
        ...proofs,
        { claim: `the live viewer of one device saw ${viewer.seen()} messages`, holds: viewer.seen() > 0 },
        {
          claim: `the pace of ${half}/s was held`,
          holds: rates([...paced.system, ...paced.yardstick]).every((rate) => rate > half * 0.97),
        },
      ],
    };
  },
});
