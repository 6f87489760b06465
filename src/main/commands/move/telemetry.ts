import type { Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { type Comparison, createChecksum } from './checksum.ts';
import type { Progress } from './progress.ts';

/** Everything of devices before this one is in the target, and of this one up to the time stamp `after`. */
export interface TelemetryPosition {
  readonly device: number;
  readonly after: number | null;
}

export interface TelemetryMove {
  readonly source: TelemetryStore;
  readonly target: TelemetryStore;
  readonly note: (position: TelemetryPosition) => Promise<void>;
  readonly progress: Progress;
}

const SAMPLES_A_PAGE = 1_000;
const PAGES_A_NOTE = 10;
const IDS_A_PAGE = 1_000;
const ALWAYS = { start: Number.MIN_SAFE_INTEGER, end: Number.MAX_SAFE_INTEGER } as const;

/** Device by device: history by appending it, then latest values and ledger as they are. */
export async function copyTelemetry(move: TelemetryMove, from: TelemetryPosition | null): Promise<void> {
  const { source, target, note, progress } = move;
  const ids = await allDevices(source);
  let done = ids.filter((id) => from !== null && id < from.device).length;
  progress.step('telemetry: devices', done, ids.length);
  for (const deviceId of ids) {
    if (from !== null && deviceId < from.device) continue;
    let pages = 0;
    for await (const samples of historyOf(source, deviceId, deviceId === from?.device ? from.after : null)) {
      await target.append({ samples, counts: [] });
      pages += 1;
      const last = samples.at(-1)?.timestamp;
      if (pages % PAGES_A_NOTE === 0 && last !== undefined) await note({ device: deviceId, after: last });
    }
    const [latest, ledger] = await Promise.all([source.latest(deviceId), source.ledger(deviceId)]);
    await target.restore(deviceId, { latest, ledger });
    await note({ device: deviceId + 1, after: null });
    done += 1;
    progress.step('telemetry: devices', done, ids.length);
  }
}

/** One line for all devices that are equal, and one for each that is not. */
export async function compareTelemetry(
  source: TelemetryStore,
  target: TelemetryStore,
  progress: Progress,
): Promise<readonly Comparison[]> {
  const ids = [...new Set([...(await allDevices(source)), ...(await allDevices(target))])].sort((a, b) => a - b);
  const different: Comparison[] = [];
  const [one, other] = [createChecksum(), createChecksum()];
  let samples = 0;
  for (const [index, deviceId] of ids.entries()) {
    const [ours, theirs] = await Promise.all([sumOf(source, deviceId), sumOf(target, deviceId)]);
    one.add(ours.text);
    other.add(theirs.text);
    samples += ours.samples;
    if (ours.text !== theirs.text) {
      different.push({ what: `telemetry of device ${deviceId}`, source: ours.text, target: theirs.text });
    }
    progress.step('compared: devices', index + 1, ids.length);
  }
  const what = `telemetry of ${ids.length} devices, ${samples} samples`;
  return [{ what, source: `sha256 ${one.digest()}`, target: `sha256 ${other.digest()}` }, ...different];
}

async function sumOf(store: TelemetryStore, deviceId: number): Promise<{ text: string; samples: number }> {
  const sum = createChecksum();
  for await (const samples of historyOf(store, deviceId, null)) for (const sample of samples) sum.add(sample);
  const samples = sum.count;
  sum.add(await store.latest(deviceId));
  sum.add(await store.ledger(deviceId));
  return { text: `${samples} samples, sha256 ${sum.digest()}`, samples };
}

async function* historyOf(
  store: TelemetryStore,
  deviceId: number,
  from: number | null,
): AsyncIterable<readonly Sample[]> {
  let after = from;
  for (;;) {
    const position = after === null ? {} : { after };
    const query = { deviceId, ...ALWAYS, order: 'asc', limit: SAMPLES_A_PAGE, ...position } as const;
    const { samples, next } = await store.history(query);
    if (samples.length > 0) yield samples.map((sample) => ({ deviceId, ...sample }));
    if (next === null) return;
    after = next;
  }
}

async function allDevices(store: TelemetryStore): Promise<readonly number[]> {
  const ids: number[] = [];
  for (;;) {
    const page = await store.deviceIds(ids.at(-1) ?? 0, IDS_A_PAGE);
    if (page.length === 0) return ids;
    ids.push(...page);
  }
}
