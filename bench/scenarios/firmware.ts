import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FirmwareDevices, FirmwareDevicesResult } from '../load/firmware-devices.ts';
import { type Api, logIn, registerDevices } from '../support/api.ts';
import { runChild } from '../support/child.ts';
import { residentMegabytes } from '../support/linux.ts';
import { createMqttRuns, type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { ratios } from '../support/spread.ts';
import { createDataFolder, startSystem } from '../support/system.ts';

const DEVICES = new URL('../load/firmware-devices.ts', import.meta.url);
/** The downloads begin before the messages that count, and end after them. */
const AFTER_SECONDS = 2;
const MEBIBYTE = 1024 ** 2;

export const firmware = defineScenario({
  summary: 'how long devices wait for their acknowledgement while others download firmware',
  options: {
    downloads: { default: 200, help: 'devices that download at once, as a campaign targets them' },
    megabytes: { default: 8, help: 'of the image' },
    'part-megabytes': { default: 1, help: 'of a request with Range' },
    share: { default: 0.2, help: 'of the maximum rate, which is measured first, that the other devices send at' },
    connections: { default: 100, help: 'devices that send' },
    window: { default: 100, help: 'unacknowledged messages a connection may have' },
    burst: { default: 10, help: 'ms between the writes of a connection' },
    seconds: { default: 8, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'of quiet and downloads in turn' },
  },
  async run(options) {
    const { downloads, megabytes, share, connections, window, burst, seconds, warmup, rounds } = options;
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);
    const all = await registerDevices(api, connections + downloads);
    const [senders, updated] = [all.slice(0, connections), all.slice(connections)];
    const target = { pid: system.pid, port: system.mqttPort };
    const mqtt = createMqttRuns(senders, { window, burstMs: burst });
    const phase = { warmupSeconds: warmup, seconds };

    const flood = await mqtt.run(target, null, phase);
    const pace = Math.round(flood.rate * share);
    progress(`maximum ${readable(flood.rate)} messages/s, so ${readable(pace)}/s beside the downloads`);

    async function besideDownloads(round: number) {
      const campaign = await startCampaign(api, system.httpPort, {
        version: `2.0.${round}`,
        image: randomBytes(megabytes * MEBIBYTE),
        deviceIds: updated.map(({ id }) => id),
      });
      const load: FirmwareDevices = {
        mqttPort: system.mqttPort,
        devices: updated.map(({ uid, secret }) => ({ uid, secret })),
        partBytes: options['part-megabytes'] * MEBIBYTE,
        seconds: warmup + seconds + AFTER_SECONDS,
      };
      const downloaded = runChild<FirmwareDevicesResult>(DEVICES, load);
      const measured = campaign.reached('DOWNLOADING', downloads).then(() => mqtt.run(target, pace, phase));
      const [result, run] = await Promise.all([downloaded, measured]);
      await campaign.reached('SUCCEEDED', downloads);
      return { result, run };
    }

    const quiet: Watched<MqttRun>[] = [];
    const beside: Watched<Awaited<ReturnType<typeof besideDownloads>>>[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const before = await watched(system.pid, () => mqtt.run(target, pace, phase));
      const during = await watched(system.pid, () => besideDownloads(round));
      quiet.push(before);
      beside.push(during);
      const { result, run } = during.value;
      progress(
        `round ${round}: p99 ${readable(before.value.latency.p99)} → ${readable(run.latency.p99)} ms, ` +
          `${readable(result.bytes / MEBIBYTE / result.seconds)} MB/s, resident ${readable(before.peakMegabytes)} → ${readable(during.peakMegabytes)} MB`,
      );
    }

    const quietRuns = quiet.map(({ value }) => value);
    const runs = beside.map(({ value }) => value.run);
    const results = beside.map(({ value }) => value.result);
    const p99 = (of: readonly MqttRun[]) => of.map(({ latency }) => latency.p99);
    const peaks = (of: readonly Watched<unknown>[]) => of.map(({ peakMegabytes }) => peakMegabytes);
    return {
      figures: [
        figure('messages beside the downloads', 'messages/s', rates(runs)),
        figure(
          'downloads',
          'MB/s',
          results.map((result) => result.bytes / MEBIBYTE / result.seconds),
        ),
        figure('acknowledgement, quiet, p99', 'ms', p99(quietRuns)),
        figure('acknowledgement, beside downloads, p99', 'ms', p99(runs)),
        figure('acknowledgement, p99', '× quiet', ratios(p99(runs), p99(quietRuns))),
        figure('resident memory, quiet, peak', 'MB', peaks(quiet)),
        figure('resident memory, beside downloads, peak', 'MB', peaks(beside)),
        figure('resident memory, peak', '× quiet', ratios(peaks(beside), peaks(quiet))),
        figure(
          'the devices themselves',
          'cores',
          results.map(({ cores }) => cores),
        ),
      ],
      proofs: [
        ...(await proveStored(api, senders, [flood, ...quietRuns, ...runs])),
        {
          claim: `${pace} messages/s were held`,
          holds: [...quietRuns, ...runs].every((run) => run.rate > pace * 0.97),
        },
        {
          claim: `${results.reduce((sum, { images }) => sum + images, 0)} images came whole, at least one to each device a round, and each device SUCCEEDED`,
          holds: results.every(({ wrong, fewest }) => wrong === 0 && fewest >= 1),
        },
      ],
      notes: ['the devices download over and over while it is measured, and check the SHA-256 on the same cores'],
    };
  },
});

interface Watched<T> {
  readonly value: T;
  readonly peakMegabytes: number;
}

/** Looks at the resident memory of a process while something happens. */
async function watched<T>(pid: number, work: () => Promise<T>): Promise<Watched<T>> {
  let peakMegabytes = residentMegabytes(pid);
  const looking = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, residentMegabytes(pid));
  }, 50);
  try {
    return { value: await work(), peakMegabytes };
  } finally {
    clearInterval(looking);
  }
}

function rates(runs: readonly MqttRun[]): number[] {
  return runs.map(({ rate }) => rate);
}

/** A campaign for all of these devices at once. */
async function startCampaign(
  api: Api,
  httpPort: number,
  { version, image, deviceIds }: { readonly version: string; readonly image: Buffer; readonly deviceIds: number[] },
) {
  const uploaded = await fetch(`http://127.0.0.1:${httpPort}/api/v1/firmware?device_type=sensor&version=${version}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(image),
  });
  if (uploaded.status !== 201) throw new Error(`the upload was answered ${uploaded.status}: ${await uploaded.text()}`);
  const { id: firmware_id } = (await uploaded.json()) as { id: number };
  const plan = { name: `To ${version}`, firmware_id, target: { device_ids: deviceIds } };
  const { id } = await api.post<{ id: number }>('/api/v1/campaigns', plan);
  await api.post(`/api/v1/campaigns/${id}/start`, {});
  return {
    async reached(state: 'DOWNLOADING' | 'SUCCEEDED', count: number): Promise<void> {
      const path = `/api/v1/campaigns/${id}`;
      while ((await api.get<{ counts: Record<string, number> }>(path)).counts[state] !== count) await sleep(50);
    },
  };
}
