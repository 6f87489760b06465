import { setTimeout as sleep } from 'node:timers/promises';
import { logIn, type RegisteredDevice, registerDevices } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { connectAsker, connectEchoes, type Trip } from '../support/echo-devices.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { ratios } from '../support/spread.ts';
import { createDataFolder, startSystem } from '../support/system.ts';
import type { YardstickOptions, YardstickReady } from '../yardsticks/aedes.ts';

const YARDSTICK = new URL('../yardsticks/aedes.ts', import.meta.url);
const OPTIONS: YardstickOptions = { noDelay: true };
const WAIT_SECONDS = 30;

interface Round {
  readonly p50: number;
  readonly p99: number;
  /** Commands answered a second, one to each device at once. */
  readonly bulk: number;
}

export const commands = defineScenario({
  summary:
    'from a command to its answer, and a command to all devices at once, against bare Aedes with the same devices',
  options: {
    devices: { default: 1_000, help: 'connected devices, which answer at once' },
    trips: { default: 2_000, help: 'commands one after the other a round' },
    together: { default: 4, help: 'of these at a time' },
    rounds: { default: 3, help: 'of the yardstick and the system in turn' },
  },
  async run({ devices: count, trips, together, rounds }) {
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);
    const devices = await registerDevices(api, count);
    const bare: Round[] = [];
    const ours: Round[] = [];
    let succeeded = 0;

    async function ofYardstick(): Promise<Round> {
      await using yardstick = await startChild<YardstickReady>(YARDSTICK, OPTIONS);
      await using _echoes = await connectEchoes(yardstick.reply.port, devices);
      await using asker = await connectAsker(yardstick.reply.port);
      const times = await takeTrips(trips, together, devices, ({ uid }) => asker.ask(uid));
      return { ...times, bulk: await rateOf(count, () => Promise.all(devices.map(({ uid }) => asker.ask(uid)))) };
    }

    async function ofSystem(): Promise<Round> {
      await using _echoes = await connectEchoes(system.mqttPort, devices);
      const ask: Trip = async ({ id }) => {
        const body = { command: 'echo', params: { n: 1 }, wait_seconds: WAIT_SECONDS };
        const { status } = await api.post<{ status: string }>(`/api/v1/devices/${id}/commands`, body);
        if (status === 'SUCCEEDED') succeeded += 1;
      };
      const times = await takeTrips(trips, together, devices, ask);
      const bulk = await rateOf(count, async () => {
        const { batch_id } = await api.post<{ batch_id: string }>('/api/v1/commands', {
          target: { all: true },
          command: 'echo',
        });
        for (let done = 0; done < count; ) {
          await sleep(20);
          const path = `/api/v1/commands?size=1&batch_id=${batch_id}`;
          done = (await api.get<{ counts: { SUCCEEDED: number } }>(path)).counts.SUCCEEDED;
        }
        succeeded += count;
      });
      return { ...times, bulk };
    }

    for (let round = 1; round <= rounds; round += 1) {
      bare.push(await ofYardstick());
      ours.push(await ofSystem());
      const [theirs, last] = [bare.at(-1) as Round, ours.at(-1) as Round];
      progress(
        `round ${round}: p99 ${readable(theirs.p99)} → ${readable(last.p99)} ms, ${readable(theirs.bulk)} → ${readable(last.bulk)} commands/s`,
      );
    }

    const of = (name: keyof Round) => [ours.map((each) => each[name]), bare.map((each) => each[name])] as const;
    return {
      figures: [
        figure('round trip, p50', 'ms', of('p50')[0]),
        figure('round trip, p99', 'ms', of('p99')[0]),
        figure('to all devices at once', 'commands/s', of('bulk')[0]),
        figure('bare Aedes: round trip, p50', 'ms', of('p50')[1]),
        figure('bare Aedes: round trip, p99', 'ms', of('p99')[1]),
        figure('bare Aedes: to all at once', 'messages/s', of('bulk')[1]),
        figure('round trip, p50', '× bare Aedes', ratios(...of('p50'))),
        figure('round trip, p99', '× bare Aedes', ratios(...of('p99'))),
        figure('to all devices at once', '× bare Aedes', ratios(...of('bulk'))),
      ],
      proofs: [
        {
          claim: `all of ${rounds * (trips + count)} commands SUCCEEDED`,
          holds: succeeded === rounds * (trips + count),
        },
      ],
      notes: [
        'a command is stored before it is sent and its answer before it is acknowledged; bare Aedes stores nothing',
        'the sockets of bare Aedes do not delay small packets here, as ours do not',
        'the devices run beside the server on the same cores',
      ],
    };
  },
});

async function takeTrips(trips: number, together: number, devices: readonly RegisteredDevice[], trip: Trip) {
  const times: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < trips) {
      const device = devices[next++ % devices.length] as RegisteredDevice;
      const from = performance.now();
      await trip(device);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: together }, one));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

async function rateOf(count: number, work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return count / ((performance.now() - from) / 1_000);
}
