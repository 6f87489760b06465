import { addressBlock } from '#kernel/addresses.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { AuditWriter, RefusalEntry, RefusalTrail } from './audit.port.ts';

const WINDOW_MS = 60_000;
/** Of one address, and of all together: with many addresses the trail still grows by a known pace. */
const PER_ADDRESS = 10;
const PER_WINDOW = 60;
/** Addresses that the entry about the rest names. */
const NAMED = 10;
/** Addresses that are counted apart, so that many of them do not fill the memory. */
const MAX_COUNTED = 10_000;

export interface RefusalTrailDeps {
  readonly audit: AuditWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the entry that counts the rest. */
  readonly counted: { readonly action: string; readonly resourceType: string };
}

/** One minute. */
interface Window {
  readonly startedAt: number;
  /** By the clock that nobody sets. */
  readonly endsAt: number;
  written: number;
  readonly writtenOf: Map<string, number>;
  /** Not written one by one. */
  counted: number;
  readonly countedActions: Map<string, number>;
  readonly countedOf: Map<string, number>;
}

/**
 * Per process: up to 60 entries a minute, 10 of them from one address. What goes beyond is counted, and stored as
 * one entry when the minute is over or the process stops; a process that is killed takes
 * the count of its last minute with it.
 */
export function createRefusalTrail({
  audit,
  clock,
  logger,
  counted: entry,
}: RefusalTrailDeps): RefusalTrail & Component {
  let window: Window | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function settle(ended: Window): Promise<void> {
    const { startedAt, counted, countedActions, countedOf } = ended;
    if (counted === 0) return;
    const loudest = [...countedOf].sort(([, a], [, b]) => b - a).slice(0, NAMED);
    await audit.record({
      actor: null,
      ...entry,
      resourceId: null,
      details: {
        count: counted,
        since: toIso(startedAt),
        actions: Object.fromEntries(countedActions),
        addresses: Object.fromEntries(loudest),
      },
    });
  }

  function close(): Window | undefined {
    const ended = window;
    window = undefined;
    return ended;
  }

  async function settleLater(): Promise<void> {
    if (window === undefined || clock.monotonic() < window.endsAt) return;
    const ended = close();
    try {
      if (ended !== undefined) await settle(ended);
    } catch (error) {
      logger.error({ err: error, count: ended?.counted }, 'refusals were not written to the audit trail');
    }
  }

  return {
    name: 'refusal-trail',
    async start() {
      timer = setInterval(() => void settleLater(), WINDOW_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      const ended = close();
      if (ended !== undefined) await settle(ended);
    },
    async record(entry: RefusalEntry) {
      await settleLater();
      window ??= open(clock);
      const ip = addressBlock(entry.origin.ip);
      if (window.written < PER_WINDOW && (window.writtenOf.get(ip) ?? 0) < PER_ADDRESS) {
        window.written += 1;
        add(window.writtenOf, ip);
        await audit.record(entry);
        return;
      }
      window.counted += 1;
      add(window.countedActions, entry.action);
      if (window.countedOf.size < MAX_COUNTED || window.countedOf.has(ip)) add(window.countedOf, ip);
    },
  };
}

function open(clock: Clock): Window {
  const empty = { writtenOf: new Map(), countedActions: new Map(), countedOf: new Map() };
  return { startedAt: clock.now(), endsAt: clock.monotonic() + WINDOW_MS, written: 0, counted: 0, ...empty };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
