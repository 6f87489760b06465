import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpLoad } from '../load/http-load.ts';
import { logIn, registerDevices } from '../support/api.ts';
import { runHttp } from '../support/http-runs.ts';
import { createMqttRuns, type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder, startSystem } from '../support/system.ts';

/** The messages start before the requests and end after them. */
const HEAD_START_SECONDS = 2;

export const mixed = defineScenario({
  summary: 'how long people wait for GET /devices while devices send',
  options: {
    rate: { default: 0, help: 'messages a second; 0 measures the maximum first and takes half of it' },
    requests: { default: 200, help: 'requests a second' },
    'http-connections': { default: 16, help: 'that send them' },
    connections: { default: 100, help: 'devices, one MQTT connection each' },
    window: { default: 100, help: 'unacknowledged messages a connection may have' },
    burst: { default: 10, help: 'ms between the writes of a connection at a constant rate' },
    seconds: { default: 8, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'of quiet and mixed in turn' },
  },
  async run(options) {
    const { rate, requests, connections, window, burst, seconds, warmup, rounds } = options;
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);
    const devices = await registerDevices(api, connections);
    const target = { pid: system.pid, port: system.mqttPort };
    const mqtt = createMqttRuns(devices, { window, burstMs: burst });
    const phase = { warmupSeconds: warmup, seconds };
    const messages: MqttRun[] = [];

    let pace = rate;
    if (pace === 0) {
      const flood = await mqtt.run(target, null, phase);
      messages.push(flood);
      pace = Math.round(flood.rate / 2);
      progress(`maximum ${readable(flood.rate)} messages/s, so ${readable(pace)}/s beside the requests`);
    }

    const http: HttpLoad = {
      ...phase,
      port: system.httpPort,
      connections: options['http-connections'],
      request: { method: 'GET', path: '/api/v1/devices?size=20', token: api.token },
      expectStatus: 200,
      rate: requests,
    };
    const quiet = [];
    const beside = [];
    const paced: MqttRun[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      quiet.push(await runHttp(http));
      const longer = { warmupSeconds: warmup, seconds: seconds + 2 * HEAD_START_SECONDS };
      const [run, requestsBeside] = await Promise.all([
        mqtt.run(target, pace, longer),
        sleep(HEAD_START_SECONDS * 1000).then(() => runHttp(http)),
      ]);
      paced.push(run);
      beside.push(requestsBeside);
      progress(
        `round ${round}: p99 quiet ${readable(quiet.at(-1)?.latency.p99 ?? 0)} ms, ` +
          `mixed ${readable(requestsBeside.latency.p99)} ms, ${readable(run.rate)} messages/s`,
      );
    }
    messages.push(...paced);

    return {
      figures: [
        figure(
          'messages beside the requests',
          'messages/s',
          paced.map((run) => run.rate),
        ),
        figure(
          'acknowledgement, p99',
          'ms',
          paced.map((run) => run.latency.p99),
        ),
        figure(
          'GET /devices, quiet, p50',
          'ms',
          quiet.map((run) => run.latency.p50),
        ),
        figure(
          'GET /devices, quiet, p99',
          'ms',
          quiet.map((run) => run.latency.p99),
        ),
        figure(
          'GET /devices, mixed, p50',
          'ms',
          beside.map((run) => run.latency.p50),
        ),
        figure(
          'GET /devices, mixed, p99',
          'ms',
          beside.map((run) => run.latency.p99),
          { below: 50 },
        ),
      ],
      proofs: [
        ...(await proveStored(api, devices, messages)),
        {
          claim: `${pace} messages/s and ${requests} requests/s were held`,
          holds:
            paced.every((run) => run.rate > pace * 0.97) &&
            [...quiet, ...beside].every((run) => run.rate > requests * 0.97),
        },
      ],
    };
  },
});
