import { firstLoads } from '../console/first-load.ts';
import { fillHistory } from '../console/history.ts';
import { live } from '../console/live.ts';
import { zooming } from '../console/zooming.ts';
import { logIn, registerDevices } from '../support/api.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder, startSystem } from '../support/system.ts';

export const consoleLoad = defineScenario({
  summary: 'the console in a browser: first load, a million points explored, and a fleet that sends all the time',
  options: {
    seconds: { default: 300, help: 'measured on the overview, and on ten live charts' },
    devices: { default: 200, help: 'devices that send, one MQTT connection each' },
    updates: { default: 5, help: 'messages a second of each' },
    charts: { default: 10, help: 'live charts, each of a device' },
    points: { default: 1_000_000, help: 'samples of the device that is explored' },
    rounds: { default: 5, help: 'of first loads, and of ways through the points' },
    throttle: { default: 4, help: 'how much slower the processor is at the first load' },
  },
  async run({ seconds, devices: count, updates, charts, points, rounds, throttle }) {
    using folder = await createDataFolder();
    const devices = await registered(folder, count);
    const history = await fillHistory(folder, devices.slice(0, charts), points);
    await using system = await startSystem(folder);
    const api = await logIn(system, folder);
    const scene = { system, folder, api, devices, history };
    const loads = await firstLoads(scene, rounds, throttle);
    const zooms = await zooming(scene, rounds);
    const lives = await live(scene, { seconds, updates, charts });
    return {
      figures: [...loads.figures, ...zooms.figures, ...lives.figures],
      proofs: [...loads.proofs, ...zooms.proofs, ...lives.proofs],
      notes: ['the browser, the server and the devices share the processors'],
    };
  },
});

async function registered(folder: Parameters<typeof startSystem>[0], count: number) {
  await using system = await startSystem(folder);
  return await registerDevices(await logIn(system, folder), count);
}
