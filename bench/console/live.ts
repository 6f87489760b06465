import { setTimeout as sleep } from 'node:timers/promises';
import { loading, openBrowser, signIn } from '../support/browser.ts';
import { createMqttRuns, proveStored } from '../support/mqtt-runs.ts';
import { type Figure, figure, type Proof, progress, readable } from '../support/report.ts';
import type { Scene } from './history.ts';
import { eventsPerSecond, memoryOf, type Observed, observe } from './observe.ts';

export interface LiveOptions {
  readonly seconds: number;
  /** Messages a second of each device. */
  readonly updates: number;
  readonly charts: number;
}

const WARMUP_SECONDS = 10;
/** A minute; what is compiled meanwhile counts too. */
const STEADY_KILOBYTES = 50;
const VISITS = 10;
const VISIT_SECONDS = 4;
const MENU = 'nav a[href$="/groups"]';

/** The overview, and then ten charts, for as long as somebody leaves them open; then what leaving them leaves behind. */
export async function live(
  { system, folder, api, devices, history }: Scene,
  { seconds, updates, charts }: LiveOptions,
): Promise<{ readonly figures: readonly Figure[]; readonly proofs: readonly Proof[] }> {
  const dashboard = await api.post<{ id: number }>('/api/v1/dashboards', boardOf(devices.slice(0, charts)));
  // A step that ends in no zeros: the values, which end as the time stamps do, move.
  const stepMs = Math.round(1_000 / updates) - 1;
  const rate = (1_000 * devices.length) / stepMs;
  const runs = createMqttRuns(devices, { window: 100, burstMs: stepMs, stepMs });
  const target = { pid: system.pid, port: system.mqttPort };
  const send = (sendSeconds: number) =>
    runs.run(target, rate, { warmupSeconds: WARMUP_SECONDS, seconds: sendSeconds + 1 });

  await using opened = await openBrowser();
  const { page } = opened;
  const home = `http://127.0.0.1:${system.httpPort}/admin`;
  await page.goto(`${home}/`);
  await signIn(page, folder.email, folder.password);

  async function watched(path: string, selector: string) {
    await page.goto(`${home}${path}`);
    await loading(page, selector);
    const sent = send(seconds);
    await sleep(WARMUP_SECONDS * 1_000);
    const observed = await observe(opened, system.pid, seconds);
    const run = await sent;
    progress(
      `${path}: longest task ${readable(observed.longestTaskMs)} ms, ${readable(100 * observed.busy)} % of the thread, ` +
        `heap ${readable(observed.heapMegabytes)} MB, ${readable(observed.heapSlope)} kB/min, ` +
        `${readable(observed.framesPerSecond)} frames/s`,
    );
    return { observed, run };
  }

  const overview = await watched('/', '.u-over');
  const board = await watched(`/dashboards/${dashboard.id}`, `section:nth-child(1) .u-over`);
  const isDrawn = board.observed.drawsPerSecond;

  const visit = async () => {
    await page.goBack();
    await page
      .locator('.u-over')
      .nth(charts - 1)
      .waitFor();
    await sleep(1_000);
    await page.goForward();
    await page.locator('.u-over').first().waitFor({ state: 'detached' });
  };
  // Away by the menu and back by the browser's button, without loading the page anew.
  const visiting = send(2 * VISITS * VISIT_SECONDS);
  const away = () => page.locator(MENU).click();
  await away();
  const silence = await eventsPerSecond(opened);
  // The first visits let the browser compile what is used often.
  for (let count = 0; count < VISITS; count += 1) await visit();
  const before = await memoryOf(opened);
  for (let count = 0; count < VISITS; count += 1) await visit();
  const silenceAfter = await eventsPerSecond(opened);
  const after = await memoryOf(opened);
  const last = await visiting;

  const each = (
    name: string,
    unit: string,
    of: (observed: Observed) => number,
    target?: Parameters<typeof figure>[3],
  ) => [
    figure(`overview: ${name}`, unit, [of(overview.observed)], target),
    figure(`${charts} charts: ${name}`, unit, [of(board.observed)], target),
  ];
  return {
    figures: [
      figure('messages in', 'messages/s', [overview.run.rate, board.run.rate]),
      ...each('longest task', 'ms', ({ longestTaskMs }) => longestTaskMs, { below: 100 }),
      ...each('main thread', '%', ({ busy }) => 100 * busy),
      ...each('heap', 'MB', ({ heapMegabytes }) => heapMegabytes),
      ...each('heap slope', 'kB/min', ({ heapSlope }) => heapSlope, { below: STEADY_KILOBYTES }),
      ...each('live events to the page', 'frames/s', ({ framesPerSecond }) => framesPerSecond),
      ...each('charts drawn', '/s', ({ drawsPerSecond }) => drawsPerSecond),
      ...each('system', 'cores', ({ systemCores }) => systemCores),
      figure('heap left behind by a visit to the charts', 'kB', [(after.heap - before.heap) / 1_000 / VISITS]),
      figure('nodes left behind by a visit', '', [(after.nodes - before.nodes) / VISITS]),
      figure('listeners left behind by a visit', '', [(after.listeners - before.listeners) / VISITS]),
    ],
    proofs: [
      ...(await proveStored(api, devices, [overview.run, board.run, last], history.samples)),
      { claim: `${charts} charts were drawn ${readable(isDrawn)} times a second`, holds: isDrawn >= charts },
      {
        claim: `${readable(silence)} and ${readable(silenceAfter)} live events a second after pages were left`,
        holds: Math.max(silence, silenceAfter) < updates,
      },
    ],
  };
}

/** A chart for each device, two beside each other. */
function boardOf(devices: Scene['devices']) {
  const idOf = (index: number) => `w${index}`;
  return {
    name: 'Ten charts',
    shared: 'private',
    layout: devices.map((_, index) => ({
      i: idOf(index),
      x: 6 * (index % 2),
      y: 6 * Math.floor(index / 2),
      w: 6,
      h: 6,
    })),
    widgets: devices.map(({ id, uid }, index) => ({
      id: idOf(index),
      type: 'chart',
      title: uid,
      options: { sources: [{ device_id: id, device_name: uid, metric: 'temperature' }], minutes: 60 },
    })),
  };
}
