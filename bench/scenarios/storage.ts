import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Metrics, Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { createDataFolder } from '../support/system.ts';
import { EVERYTHING, fillStore, openTelemetryStore, sealEverything } from '../support/telemetry-store.ts';

const SECOND = 1_000;
const DAY_SAMPLES = 86_400;
const START = 1_760_000_400_000;

/** What a month of one message a second takes on disk, and what it costs to put it together. */
export const storage = defineScenario({
  summary:
    'bytes on disk of a month of one message a second with three metrics, as rows and sealed; sealing beside ingest',
  options: {
    days: { default: 30, help: 'days of messages' },
    rounds: { default: 3, help: 'measured rounds of ingest with and without sealing' },
    seconds: { default: 5, help: 'length of each' },
  },
  async run({ days, rounds, seconds }) {
    const count = days * DAY_SAMPLES;
    const usual = await measure(count, usualMetrics());
    const worst = await measure(DAY_SAMPLES, worstMetrics());
    const beside = await ingestBesideSealing(rounds, seconds);
    return {
      figures: [
        figure('a message as a row', 'bytes', [usual.rowBytes]),
        figure('a message sealed', 'bytes', [usual.sealedBytes], { below: 2.5 }),
        figure('rows / sealed', '×', [usual.rowBytes / usual.sealedBytes]),
        figure('a message sealed, worst case: three doubles of full precision', 'bytes', [worst.sealedBytes]),
        figure('stored', 'messages/s', [usual.storedPerSecond]),
        figure('sealed', 'messages/s', [usual.sealedPerSecond]),
        figure('sealed / stored', '×', [usual.sealedPerSecond / usual.storedPerSecond]),
        figure('stored while hours are sealed / while they are not', '×', beside.ratios, { atLeast: 0.9 }),
        figure('sealed meanwhile', 'messages/s', beside.sealedPerSecond),
      ],
      proofs: [
        { claim: `all ${count} messages are there after sealing, as they were sent`, holds: usual.isComplete },
        { claim: 'so are those of the worst case', holds: worst.isComplete },
      ],
      notes: ['bytes are pages of the file that hold something, roll-ups not made'],
    };
  },
});

/** A walk with two decimals, a counter, and a switch. */
function usualMetrics(): (index: number) => Metrics {
  const walk = walkOf(1);
  return (index) => ({ temperature: walk(), energy: 1_000_000 + 3 * index, door_open: index % 900 < 40 });
}

function worstMetrics(): (index: number) => Metrics {
  const [a, b, c] = [randomOf(1), randomOf(2), randomOf(3)];
  return () => ({ a: a(), b: b(), c: c() });
}

function walkOf(seed: number): () => number {
  const random = randomOf(seed);
  let hundredths = 2_000;
  return () => {
    hundredths += Math.round((random() - 0.5) * 20);
    return hundredths / 100;
  };
}

/** The same numbers in every run, in 0..1 with all their bits: mulberry32, twice. */
function randomOf(seed: number): () => number {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => next() + next() / 2 ** 32;
}

async function measure(count: number, metricsAt: (index: number) => Metrics) {
  using folder = await createDataFolder();
  const file = join(folder.path, 'telemetry.db');
  await using opened = await openTelemetryStore(file);
  const { store } = opened;
  const checksum = createChecksum();
  const sampleAt = (index: number): Sample => {
    const metrics = metricsAt(index);
    checksum.sent.add(index, metrics);
    return { deviceId: 1, timestamp: START + index * SECOND, metrics };
  };
  const storedIn = await timed(() => fillStore(store, count, sampleAt));
  const rowBytes = usedBytes(file) / count;
  progress(`${count} messages stored, ${readable(rowBytes)} bytes each`);
  const sealedIn = await timed(() => sealEverything(store));
  const sealedBytes = usedBytes(file) / count;
  progress(`sealed, ${readable(sealedBytes)} bytes each`);
  let found = 0;
  for (let after: number | null = START - 1; after !== null; ) {
    const page = await store.history({ deviceId: 1, start: START, end: 9e15, order: 'asc', limit: 1_000, after });
    for (const { timestamp, metrics } of page.samples) checksum.found.add((timestamp - START) / SECOND, metrics);
    found += page.samples.length;
    after = page.next;
  }
  return {
    ...{ rowBytes, sealedBytes },
    storedPerSecond: count / storedIn,
    sealedPerSecond: count / sealedIn,
    isComplete: found === count && checksum.isSame(),
  };
}

/** The sum of what was sent and of what was found, each with its position. */
function createChecksum() {
  const sum = () => {
    const state = { value: 0 };
    return {
      state,
      add(index: number, metrics: Metrics): void {
        let own = index + 1;
        for (const value of Object.values(metrics)) own = own * 1.000001 + Number(value);
        state.value += own * ((index % 1_009) + 1);
      },
    };
  };
  const [sent, found] = [sum(), sum()];
  return { sent, found, isSame: () => sent.state.value === found.state.value };
}

async function ingestBesideSealing(rounds: number, seconds: number) {
  using folder = await createDataFolder();
  await using opened = await openTelemetryStore(join(folder.path, 'telemetry.db'));
  const { store } = opened;
  const metricsAt = usualMetrics();
  let next = 0;
  // 100 devices, so that there are hours enough to be sealed.
  const sampleAt = (index: number): Sample => ({
    deviceId: 1 + (index % 100),
    timestamp: START + Math.floor(index / 100) * SECOND,
    metrics: metricsAt(index),
  });
  const append = async (forSeconds: number) => {
    const begun = performance.now();
    const first = next;
    while (performance.now() - begun < forSeconds * SECOND) {
      const samples = Array.from({ length: 1_000 }, () => sampleAt(next++));
      await store.append({ samples, counts: [] });
    }
    return ((next - first) * SECOND) / (performance.now() - begun);
  };
  await append(seconds);
  const ratios: number[] = [];
  const sealedPerSecond: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const without = await append(seconds);
    const sealing = sealInBackground(store);
    const beside = await append(seconds);
    const sealedHours = await sealing.stop();
    ratios.push(beside / without);
    sealedPerSecond.push((sealedHours * 3_600) / seconds);
    progress(`round ${round + 1}: ${readable(without)} messages/s, while sealing ${readable(beside)}`);
  }
  return { ratios, sealedPerSecond };
}

/** As the system does it: for half of the time. Hours that are still growing are left out, as they are there. */
function sealInBackground(store: TelemetryStore) {
  const state = { stopped: false, hours: 0 };
  const work = (async () => {
    while (!state.stopped) {
      const begun = performance.now();
      state.hours += await store.seal({ ...EVERYTHING, changedBefore: Date.now() - 2 * SECOND });
      await new Promise((resolve) => setTimeout(resolve, performance.now() - begun + 1));
    }
  })();
  return {
    stop: async () => {
      state.stopped = true;
      await work;
      return state.hours;
    },
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / SECOND;
}

/** Pages of the file that hold something. */
function usedBytes(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const of = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const bytes = (of('page_count') - of('freelist_count')) * of('page_size');
  database.close();
  return bytes;
}
