import type { MqttLoad, MqttLoadResult } from '../load/mqtt-load.ts';
import type { DeviceLogin } from '../load/mqtt-packets.ts';
import { logIn, registerDevices } from '../support/api.ts';
import { runChild, startChild } from '../support/child.ts';
import { cpuSeconds, peakResidentMegabytes } from '../support/linux.ts';
import { type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { startProductionServers } from '../support/production.ts';
import {
  COUNTER,
  countOf,
  type Receiver,
  type ReceiverReady,
  type ReceiverSettings,
  takeAll,
} from '../support/receivers.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { ratios } from '../support/spread.ts';
import { createDataFolder, DIRECT_START, startSystem } from '../support/system.ts';
import { createYardstickAccounts, YARDSTICK_ROOT } from '../support/yardstick-accounts.ts';

const GENERATOR = new URL('../load/mqtt-load.ts', import.meta.url);
const YARDSTICK = new URL('../yardsticks/mqtt-client.ts', import.meta.url);
const ONE_DAY_MS = 86_400_000;
/** As the system asks of the broker. */
const MAX_IN_FLIGHT = 10_000;
const TARGET = 0.4;

interface Run extends MqttRun {
  /** Taken in a second, from the first to the last message. */
  readonly takenRate: number;
}

export const ingestProduction = defineScenario({
  summary: 'messages stored behind Mosquitto, MariaDB, MongoDB and Redis, against MQTT.js that receives the same',
  options: {
    connections: { default: 100, help: 'devices, one MQTT connection each' },
    window: { default: 100, help: 'unacknowledged messages a connection may have' },
    seconds: { default: 5, help: 'that a round floods; what waits at the broker then is taken too' },
    rounds: { default: 3, help: 'of yardstick and system in turn, after one that counts for nothing' },
  },
  async run({ connections, window, seconds, rounds }) {
    await using servers = await startProductionServers();
    progress(`telemetry is kept by ${servers.documents}`);
    using folder = await createDataFolder(servers.settings);
    await using system = await startSystem(folder, DIRECT_START, servers.settings);
    await using yardstick = await startChild<ReceiverReady>(YARDSTICK, {
      url: servers.brokerUrl,
      root: YARDSTICK_ROOT,
      counter: COUNTER,
      maxInFlight: MAX_IN_FLIGHT,
    } satisfies ReceiverSettings);
    const api = await logIn(system, folder);
    const devices = await registerDevices(api, connections);
    const logins = devices.map(({ uid, secret }) => ({ uid, secret }));
    const senders = {
      yardstick: { logins: await createYardstickAccounts(servers.brokerUrl, logins), root: YARDSTICK_ROOT },
      system: { logins, root: 'devices' },
    };
    const receivers = {
      yardstick: { pid: yardstick.pid, port: yardstick.reply.port },
      system: { pid: system.pid, port: system.httpPort },
    };
    let firstTimestamp = Date.now() - ONE_DAY_MS;

    async function flood(receiver: Receiver, sender: { logins: readonly DeviceLogin[]; root: string }): Promise<Run> {
      const [countBefore, cpuBefore] = [await countOf(receiver), cpuSeconds(receiver.pid)];
      const load: MqttLoad = {
        port: servers.devicePort,
        devices: sender.logins,
        root: sender.root,
        window,
        burstMs: 1,
        rate: null,
        firstTimestamp,
        warmupSeconds: 0,
        seconds,
      };
      const sending = runChild<MqttLoadResult>(GENERATOR, load);
      const taken = await takeAll(
        receiver,
        countBefore,
        sending.then(({ acknowledged }) => acknowledged),
      );
      const result = await sending;
      firstTimestamp = Math.max(...result.lastTimestamps) + 1;
      return {
        ...result,
        takenRate: taken.count / taken.seconds,
        cpuMicroseconds: ((cpuSeconds(receiver.pid) - cpuBefore) * 1e6) / taken.count,
      };
    }

    const done: Record<keyof typeof receivers, Run[]> = { yardstick: [], system: [] };
    for (let round = 0; round <= rounds; round += 1) {
      for (const target of ['yardstick', 'system'] as const) {
        const run = await flood(receivers[target], senders[target]);
        done[target].push(run);
        progress(
          `${round === 0 ? 'warming up' : `round ${round}`}, ${target}: ${readable(run.takenRate)}/s taken of ` +
            `${run.acknowledged}, sent at ${readable(run.rate)}/s, ${readable(run.cpuMicroseconds)} µs CPU a message`,
        );
      }
    }

    const proofs = await proveStored(api, devices, done.system);
    const peakMegabytes = peakResidentMegabytes(system.pid);
    const rates = (target: keyof typeof done) => done[target].slice(1).map((run) => run.takenRate);
    const costs = (target: keyof typeof done) => done[target].slice(1).map((run) => run.cpuMicroseconds);
    return {
      figures: [
        figure('yardstick, received', 'messages/s', rates('yardstick')),
        figure('system, stored', 'messages/s', rates('system')),
        figure(
          'ratio',
          '',
          ratios(rates('system'), rates('yardstick')),
          servers.hasRealMongodb ? { atLeast: TARGET } : undefined,
        ),
        figure('yardstick, CPU', 'µs/message', costs('yardstick')),
        figure('system, CPU', 'µs/message', costs('system')),
        figure('system, peak resident', 'MB', [peakMegabytes]),
      ],
      proofs,
      notes: [
        `telemetry was kept by ${servers.documents}${servers.hasRealMongodb ? '' : `; the target of ${TARGET} counts against a real MongoDB only`}`,
      ],
    };
  },
});
