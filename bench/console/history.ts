import { join } from 'node:path';
import type { Api, RegisteredDevice } from '../support/api.ts';
import { progress } from '../support/report.ts';
import type { DataFolder, System } from '../support/system.ts';
import { fillStore, openTelemetryStore, sealEverything } from '../support/telemetry-store.ts';

/** What all parts of the benchmark of the console share. */
export interface Scene {
  readonly system: System;
  readonly folder: DataFolder;
  readonly api: Api;
  readonly devices: readonly RegisteredDevice[];
  readonly history: History;
}

/** The samples of one device, one a second. */
export interface Explored {
  readonly device: RegisteredDevice;
  readonly metric: string;
  readonly from: number;
  readonly to: number;
}

export interface History {
  readonly explored: Explored;
  /** Of all devices. */
  readonly samples: number;
}

const SECOND = 1_000;
const HOUR_SAMPLES = 3_600;
const HOUR = HOUR_SAMPLES * SECOND;

/**
 * Straight into the store, on a system that is not running: an hour for each of `charted`, and `points` for the first
 * of them, which end two hours ago, rolled up and sealed as they would be.
 */
export async function fillHistory(
  folder: DataFolder,
  charted: readonly RegisteredDevice[],
  points: number,
): Promise<History> {
  const [device] = charted;
  if (device === undefined) throw new Error('without a device there is nothing to explore');
  await using opened = await openTelemetryStore(join(folder.path, 'telemetry.db'));
  const { store } = opened;
  const now = Math.floor(Date.now() / SECOND) * SECOND;
  const to = Math.floor((now - 2 * HOUR) / HOUR) * HOUR;
  const from = to - points * SECOND;
  await fillStore(store, points, (index) => sampleAt(device.id, from + index * SECOND));
  while ((await store.rollUp({ endedBefore: to, limit: 16 })) === 16);
  await sealEverything(store);
  for (const { id } of charted) {
    await fillStore(store, HOUR_SAMPLES, (index) => sampleAt(id, now - HOUR + index * SECOND));
  }
  const samples = points + charted.length * HOUR_SAMPLES;
  progress(`${samples} samples are stored`);
  return { explored: { device, metric: 'temperature', from, to }, samples };
}

/** A day's wave, and something like noise that is the same in every run. */
function sampleAt(deviceId: number, timestamp: number) {
  const noise = Math.sin((timestamp / SECOND) * 12.9898) * 43758.5453;
  const wave = 5 * Math.sin((2 * Math.PI * timestamp) / (24 * HOUR));
  const temperature = Math.round((20 + wave + noise - Math.floor(noise)) * 100) / 100;
  return { deviceId, timestamp, metrics: { temperature } };
}
