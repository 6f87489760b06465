import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { temporaryFolder } from '../support/folders.ts';
import { batchOf, openStore, valueAt } from '../support/sealing.fixture.ts';

/** `TEST_KILLS=100`: more of them. */
const KILLS = Number(process.env['TEST_KILLS'] ?? 10);

/** Runs the fixture until it has acknowledged so many batches, and kills it in the middle. @returns the last one's number */
async function runAndKill(file: string, first: number, batches: number): Promise<number> {
  const fixture = join(import.meta.dirname, '../support/sealing.fixture.ts');
  const child = spawn(process.execPath, [fixture, file, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = first - 1;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (last - first + 1 >= batches) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return last;
}

async function historyOf(store: TelemetryStore, deviceId: number): Promise<Map<number, Sample['metrics']>> {
  const found = new Map<number, Sample['metrics']>();
  for (let after: number | undefined; ; ) {
    const query = { deviceId, start: 0, end: 9e15, order: 'asc', limit: 1_000 } as const;
    const { samples, next } = await store.history(after === undefined ? query : { ...query, after });
    for (const { timestamp, metrics } of samples) found.set(timestamp, metrics);
    if (next === null) return found;
    after = next;
  }
}

test(`${KILLS} kills while everything is sealed all the time: nothing acknowledged is lost or doubled`, {
  timeout: 60_000 + KILLS * 20_000,
}, async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'telemetry.db');
  let next = 0;
  // A batch that was stored and not acknowledged before the kill may be there or not.
  const perhaps = new Set<number>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    next = (await runAndKill(file, next, randomInt(1, 80))) + 1;
    perhaps.add(next);
    next += 1;
  }

  const { store, close } = await openStore(file);
  for (const deviceId of [1, 2]) {
    const all = await historyOf(store, deviceId);
    const sure = new Map<string, number>();
    const possible = new Set<string>();
    for (let n = 0; n < next; n += 1) {
      for (const { deviceId: its, timestamp, metrics } of batchOf(n)) {
        if (its !== deviceId) continue;
        for (const [metric, value] of Object.entries(metrics)) {
          possible.add(`${timestamp} ${metric}`);
          if (!perhaps.has(n)) sure.set(`${timestamp} ${metric}`, value as number);
        }
      }
    }
    const found = new Map<string, unknown>(
      [...all].flatMap(([timestamp, metrics]) =>
        Object.entries(metrics).map(([metric, value]) => [`${timestamp} ${metric}`, value] as const),
      ),
    );
    for (const [key, value] of sure) expect(found.get(key), key).toBe(value);
    for (const [key, value] of found) {
      expect(possible.has(key), key).toBe(true);
      expect(value).toBe(valueAt(Number(key.split(' ')[0]), key.split(' ')[1] ?? ''));
    }
    // What the ledger calls stored is what is there: once each.
    expect((await store.ledger(deviceId)).stored).toBe(all.size);
  }
  await store.seal({ endedBefore: 9e15, changedBefore: 9e15, limit: 100_000 });
  const sealed = [await historyOf(store, 1), await historyOf(store, 2)];
  await close();
  const database = new DatabaseSync(file);
  const count = (sql: string) => (database.prepare(sql).get() as { count: number }).count;
  expect(count('SELECT count(*) AS count FROM telemetry')).toBe(0);
  expect(count('SELECT sum(count) AS count FROM telemetry_segments')).toBe(
    sealed.reduce((sum, { size }) => sum + size, 0),
  );
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
  folder.remove();
});
