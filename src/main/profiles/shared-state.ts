import type { Clock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { Settings } from '../settings.ts';

/** What replicas have to share; inside the process while there is only one. */
export interface SharedState {
  readonly counters: CounterStore;
  readonly components: readonly Component[];
}

export async function createSharedState(_settings: Settings, clock: Clock): Promise<SharedState> {
  const { createMemoryCounters } = await import('#platform/cache/memory-counters.ts');
  return { counters: createMemoryCounters({ clock }), components: [] };
}
