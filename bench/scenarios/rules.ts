import { type Api, logIn, type RegisteredDevice, registerDevices } from '../support/api.ts';
import { createMqttRuns, type MqttRun, proveStored } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { ratios } from '../support/spread.ts';
import { createDataFolder, startSystem } from '../support/system.ts';

const WITHIN_SECONDS = 30;

export const rules = defineScenario({
  summary: 'durable, acknowledged MQTT messages that alert rules judge, against the same system without rules',
  options: {
    devices: { default: 1_000, help: 'one MQTT connection each' },
    rules: { default: 1_000, help: 'one after the other for a device each; every second one holds all the time' },
    window: { default: 10, help: 'unacknowledged messages a connection may have' },
    burst: { default: 10, help: 'ms between the writes of a connection at a constant rate' },
    seconds: { default: 8, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'without and with rules in turn' },
  },
  async run({ devices: count, rules: ruleCount, window, burst, seconds, warmup, rounds }) {
    using plainFolder = await createDataFolder();
    await using plain = await startSystem(plainFolder);
    using judgedFolder = await createDataFolder();
    await using judged = await startSystem(judgedFolder);
    const targets = [
      { name: 'without rules', system: plain, api: await logIn(plain, plainFolder), runs: [] as MqttRun[] },
      { name: 'with rules', system: judged, api: await logIn(judged, judgedFolder), runs: [] as MqttRun[] },
    ] as const;
    const registered: RegisteredDevice[][] = [];
    for (const { api } of targets) registered.push(await registerDevices(api, count));
    await makeRules(targets[1].api, registered[1] ?? [], ruleCount);

    const shape = { window, burstMs: burst };
    const loads = registered.map((devices) => createMqttRuns(devices, shape));
    for (let round = 1; round <= rounds; round += 1) {
      for (const [index, { name, system, runs }] of targets.entries()) {
        const load = loads[index];
        if (load === undefined) continue;
        const run = await load.run({ pid: system.pid, port: system.mqttPort }, null, {
          warmupSeconds: warmup,
          seconds,
        });
        runs.push(run);
        progress(
          `flood, round ${round}, ${name}: ${readable(run.rate)}/s, ${readable(run.cpuMicroseconds)} µs CPU a message`,
        );
      }
    }

    const expected = Math.floor(ruleCount / 2);
    const active = await activeAlerts(targets[1].api, expected);
    const proofs = [];
    for (const [index, { api, runs }] of targets.entries()) {
      proofs.push(...(await proveStored(api, registered[index] ?? [], runs)));
    }
    const [without, withRules] = targets.map(({ runs }) => runs);
    const rates = (of: readonly MqttRun[] = []) => of.map((run) => run.rate);
    const costs = (of: readonly MqttRun[] = []) => of.map((run) => run.cpuMicroseconds);
    return {
      figures: [
        figure('without rules', 'messages/s', rates(without)),
        figure('with rules', 'messages/s', rates(withRules)),
        figure('ratio', '', ratios(rates(withRules), rates(without)), { atLeast: 0.8 }),
        figure('without rules, CPU', 'µs/message', costs(without)),
        figure('with rules, CPU', 'µs/message', costs(withRules)),
      ],
      proofs: [
        ...proofs,
        {
          claim: `${active} alerts are active, one for each of the ${expected} rules that hold`,
          holds: active === expected,
        },
      ],
    };
  },
});

async function makeRules(api: Api, devices: readonly RegisteredDevice[], count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    await api.post('/api/v1/monitoring/alert-rules', {
      name: `Rule ${made}`,
      metric: 'temperature',
      condition: 'gt',
      // Temperatures of the load are between 20 and 30.
      threshold: made % 2 === 0 ? 100 : 0,
      severity: 'WARNING',
      scope: { device_id: devices[made % devices.length]?.id },
      channels: [],
    });
  }
}

/** As many as are expected, or how many there are when none has come for long enough. */
async function activeAlerts(api: Api, expected: number): Promise<number> {
  const deadline = performance.now() + WITHIN_SECONDS * 1_000;
  for (;;) {
    const { total } = await api.get<{ total: number }>('/api/v1/monitoring/alerts?status=ACTIVE&size=1');
    if (total === expected || performance.now() > deadline) return total;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
