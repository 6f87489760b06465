import { LRUCache } from 'lru-cache';
import { grownTo } from '#kernel/lru.ts';
import type { PairChange, StateStore, StoredState } from './evaluation.ports.ts';
import { baselineOf } from './pair-tracks.ts';

/** What is stored of each device, by rule; kept in memory while nobody else writes it. */
export interface StateCache {
  load(deviceIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlyMap<number, StoredState>>>;
  /** After a change was stored. */
  keep(change: PairChange): void;
  forget(deviceId: number): void;
}

const KEPT_DEVICES = 20_000;

/** @param alone whether this process alone writes states; otherwise each load reads them */
export function createStateCache(states: Pick<StateStore, 'load'>, alone: boolean): StateCache {
  const kept = new LRUCache<number, Map<number, StoredState>>(grownTo(KEPT_DEVICES));

  return {
    async load(deviceIds) {
      const found = new Map<number, Map<number, StoredState>>();
      const missing: number[] = [];
      for (const deviceId of deviceIds) {
        const known = alone ? kept.get(deviceId) : undefined;
        if (known === undefined) missing.push(deviceId);
        else found.set(deviceId, known);
      }
      if (missing.length === 0) return found;
      for (const deviceId of missing) found.set(deviceId, new Map());
      for (const state of await states.load(missing)) found.get(state.deviceId)?.set(state.ruleId, state);
      if (alone) for (const deviceId of missing) kept.set(deviceId, found.get(deviceId) ?? new Map());
      return found;
    },
    keep({ rule, device, before, after }) {
      const known = kept.get(device.deviceId);
      if (known === undefined) return;
      if (after === null) {
        known.delete(rule.id);
        return;
      }
      known.set(rule.id, {
        ...after,
        ruleId: rule.id,
        deviceId: device.deviceId,
        revision: rule.revision,
        version: (before?.version ?? 0) + 1,
        // Of no use any more once something was judged; else as it was stored.
        baseline: before === null ? baselineOf(device, after) : before.baseline,
      });
    },
    forget(deviceId) {
      kept.delete(deviceId);
    },
  };
}
