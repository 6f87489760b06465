import { setTimeout as sleep } from 'node:timers/promises';
import { longTasks, type OpenedBrowser } from '../support/browser.ts';
import { cpuSeconds } from '../support/linux.ts';
import { type Point, slopeOf } from '../support/slope.ts';

/** A page that was looked at for some time. */
export interface Observed {
  /** The browser tells of tasks from 50 ms on: 50 is a page without any. */
  readonly longestTaskMs: number;
  /** Part of the time that the page's main thread was busy. */
  readonly busy: number;
  /** What is in use after a collection, at the end. */
  readonly heapMegabytes: number;
  /** kB a minute, over the second half, each sample the mean of its last minute. */
  readonly heapSlope: number;
  readonly framesPerSecond: number;
  readonly drawsPerSecond: number;
  readonly systemCores: number;
}

export interface Memory {
  /** Bytes in use after a collection. */
  readonly heap: number;
  readonly nodes: number;
  readonly listeners: number;
}

const SHORTEST_TOLD_MS = 50;
const SAMPLES = 30;
const COUNTING_MS = 3_000;

/** Collecting stops the page: what the collections take is left out of everything else. */
export async function observe(opened: OpenedBrowser, systemPid: number, seconds: number): Promise<Observed> {
  const { page, session } = opened;
  await session.send('Performance.enable');
  const frames = await countFrames(opened);
  const draws = () => page.evaluate<number>('benchProbe.draws()');
  const heaps: Point[] = [];
  const collections: { readonly from: number; readonly to: number }[] = [];
  let busySeconds = 0;
  let watchedSeconds = 0;
  await longTasks(page);
  const startedAt = performance.now();
  const [drawsBefore, cpuBefore] = [await draws(), cpuSeconds(systemPid)];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const [began, busyBefore] = [performance.now(), await metric(opened, 'TaskDuration')];
    await sleep(Math.max(0, startedAt + ((sample + 1) * seconds * 1_000) / SAMPLES - performance.now()));
    busySeconds += (await metric(opened, 'TaskDuration')) - busyBefore;
    watchedSeconds += (performance.now() - began) / 1_000;
    const from = Date.now();
    const { heap } = await memoryOf(opened);
    collections.push({ from, to: Date.now() });
    heaps.push({ x: (performance.now() - startedAt) / 60_000, y: heap / 1_000 });
  }
  const passed = (performance.now() - startedAt) / 1_000;
  const tasks = (await longTasks(page)).filter(
    ({ at, duration }) => !collections.some(({ from, to }) => at <= to && at + duration >= from),
  );
  return {
    longestTaskMs: Math.max(SHORTEST_TOLD_MS, ...tasks.map(({ duration }) => duration)),
    busy: busySeconds / watchedSeconds,
    heapMegabytes: (heaps.at(-1)?.y ?? 0) / 1_000,
    heapSlope: slopeOf(smoothed(heaps).slice(-SAMPLES / 2)),
    framesPerSecond: frames.stop() / passed,
    drawsPerSecond: ((await draws()) - drawsBefore) / passed,
    systemCores: (cpuSeconds(systemPid) - cpuBefore) / passed,
  };
}

/**
 * Each point as the mean of the last minute. Charts read their history again every minute, and keep live samples until
 * then: the heap goes up and down in that time.
 */
function smoothed(heaps: readonly Point[]): Point[] {
  return heaps.map(({ x }, index) => {
    const minute = heaps.slice(0, index + 1).filter((each) => each.x > x - 1);
    return { x, y: minute.reduce((sum, { y }) => sum + y, 0) / minute.length };
  });
}

/** What a page holds once everything that nobody needs is gone. */
export async function memoryOf({ session }: OpenedBrowser): Promise<Memory> {
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { metrics } = await session.send('Performance.getMetrics');
  const figureOf = (name: string) => metrics.find((each) => each.name === name)?.value ?? 0;
  return { heap: usedSize, nodes: figureOf('Nodes'), listeners: figureOf('JSEventListeners') };
}

/** Events that the server sends to the page, a second. */
export async function eventsPerSecond(opened: OpenedBrowser): Promise<number> {
  const frames = await countFrames(opened);
  await sleep(COUNTING_MS);
  return frames.stop() / (COUNTING_MS / 1_000);
}

async function countFrames({ session }: OpenedBrowser) {
  let count = 0;
  const more = () => {
    count += 1;
  };
  await session.send('Network.enable');
  session.on('Network.webSocketFrameReceived', more);
  return {
    stop() {
      session.off('Network.webSocketFrameReceived', more);
      return count;
    },
  };
}

async function metric({ session }: OpenedBrowser, name: string): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find((each) => each.name === name)?.value ?? 0;
}
