import type { Clock } from '#kernel/clock.ts';
import { repeat } from '#kernel/concurrency.ts';
import { defined } from '#kernel/defined.ts';
import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DocumentStore } from '../documents/documents.port.ts';
import type { Runs, Stretch } from './runs.port.ts';

/** One process that ran, or one stretch of it. */
interface Run {
  readonly id: string;
  readonly started_at: number;
  readonly seen_at: number;
  /** It said that it stops. */
  readonly ended: boolean;
}

const BEAT_MS = 5_000;
/** A process that said nothing for longer did not run: it stood still, or was killed. */
const SILENT_MS = 3 * BEAT_MS;
const KEPT_MS = 90 * 86_400_000;
const PAGE = 1_000;

export function createRuns(deps: { documents: DocumentStore; clock: Clock; logger: Logger }): Runs {
  const { clock, logger } = deps;
  const runs = deps.documents.collection<Run>({
    name: 'ingest_runs',
    indexes: [['seen_at'], ['started_at']],
    expiry: { field: 'seen_at', afterMs: KEPT_MS },
  });
  let current: string | undefined;
  let lastBeatAt = 0;

  async function beat(ended = false): Promise<void> {
    const now = clock.now();
    // After standing still, and after the clock was set back, it is another run.
    const goesOn = current !== undefined && now >= lastBeatAt && now - lastBeatAt <= SILENT_MS;
    lastBeatAt = now;
    try {
      if (goesOn && (await runs.updateMany({ filter: { id: current as string } }, { seen_at: now, ended })) > 0) return;
      const id = createId();
      await runs.insertMany([{ id, started_at: now, seen_at: now, ended }]);
      current = id;
    } catch (error) {
      logger.warn({ err: error }, 'that this process runs could not be noted; it is tried again');
    }
  }

  /** Runs that reach into the stretch, joined where they overlap, in order. */
  async function stretches({ start, end }: Stretch): Promise<readonly Stretch[]> {
    const found: Run[] = [];
    for (let after: { value: number; id: string } | undefined; ; ) {
      const page = await runs.list({
        range: { field: 'seen_at', from: start - SILENT_MS },
        sort: { field: 'seen_at', direction: 'asc' },
        limit: PAGE,
        ...defined({ after }),
      });
      found.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = { value: last.seen_at, id: last.id };
    }
    const joined: { start: number; end: number }[] = [];
    for (const { started_at, seen_at, ended } of found.sort((a, b) => a.started_at - b.started_at)) {
      if (started_at >= end) break;
      const last = joined.at(-1);
      // One that was heard of a moment ago still runs; of one that was killed it is known that much later.
      const ranUntil = !ended && clock.now() - seen_at <= SILENT_MS ? Math.max(clock.now(), seen_at) : seen_at;
      if (last === undefined || started_at > last.end) joined.push({ start: started_at, end: ranUntil });
      else last.end = Math.max(last.end, ranUntil);
    }
    return joined;
  }

  const beats = repeat(BEAT_MS, () => beat());

  return {
    recorder: {
      name: 'run',
      async start() {
        current = undefined;
        await beat();
        beats.start();
      },
      async stop() {
        await beats.stop();
        await beat(true);
      },
    },
    async gaps({ start, end }) {
      const [first] = await runs.list({ sort: { field: 'started_at', direction: 'asc' }, limit: 1 });
      if (first === undefined) return [];
      const gaps: Stretch[] = [];
      let from = Math.max(start, first.started_at);
      for (const run of await stretches({ start: from, end })) {
        if (run.start > from) gaps.push({ start: from, end: Math.min(run.start, end) });
        from = Math.max(from, run.end);
      }
      const until = Math.min(end, clock.now());
      if (from < until) gaps.push({ start: from, end: until });
      return gaps;
    },
    async runningSince() {
      const now = clock.now();
      const last = (await stretches({ start: now - KEPT_MS, end: now + 1 })).at(-1);
      return last === undefined || last.end < now ? now : last.start;
    },
  };
}
