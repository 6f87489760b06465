import { setTimeout as sleep } from 'node:timers/promises';
import { logIn, registerDevices } from '../support/api.ts';
import { findProcess, residentMegabytes } from '../support/linux.ts';
import { createMqttRuns } from '../support/mqtt-runs.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder, type DataFolder, DIRECT_START, NPM_START, startSystem } from '../support/system.ts';

const LOAD_SHAPE = { window: 100, burstMs: 10 };

export const start = defineScenario({
  summary: 'time from start to ready on existing data, and memory when idle',
  options: {
    devices: { default: 100, help: 'in the data folder' },
    'data-seconds': { default: 5, help: 'for which they sent as fast as they could' },
    idle: { default: 5, help: 'seconds after ready at which memory is read' },
    rounds: { default: 5, help: 'of npm start and the same without npm in turn' },
  },
  async run(options) {
    using folder = await createDataFolder();
    const messages = await fill(folder, options.devices, options['data-seconds']);

    const viaNpm = { ready: [] as number[], resident: [] as number[] };
    const direct = { ready: [] as number[], resident: [] as number[] };
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [command, figures] of [[NPM_START, viaNpm] as const, [DIRECT_START, direct] as const]) {
        await using system = await startSystem(folder, command);
        await sleep(options.idle * 1000);
        const server = findProcess(system.pid, 'src/main/start.js');
        if (server === undefined) throw new Error('the server process was not found');
        const megabytes = residentMegabytes(server);
        figures.ready.push(system.startedInMs);
        figures.resident.push(megabytes);
        progress(
          `round ${round}, ${command === NPM_START ? 'npm start' : 'without npm'}: ready in ${readable(system.startedInMs)} ms, ` +
            `${readable(megabytes)} MB idle`,
        );
      }
    }
    return {
      figures: [
        figure('npm start to ready', 'ms', viaNpm.ready, { below: 1500 }),
        figure('the same without npm', 'ms', direct.ready),
        figure('idle, started by npm', 'MB', viaNpm.resident, { below: 150 }),
        figure('idle, started without npm', 'MB', direct.resident),
      ],
      proofs: [
        { claim: `the data folder holds ${messages} messages of ${options.devices} devices`, holds: messages > 0 },
      ],
    };
  },
});

/** @returns the number of messages stored */
async function fill(folder: DataFolder, count: number, seconds: number): Promise<number> {
  await using system = await startSystem(folder);
  const devices = await registerDevices(await logIn(system, folder), count);
  const target = { pid: system.pid, port: system.mqttPort };
  const run = await createMqttRuns(devices, LOAD_SHAPE).run(target, null, { warmupSeconds: 0, seconds });
  return run.acknowledged;
}
