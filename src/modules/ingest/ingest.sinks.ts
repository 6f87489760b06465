import type { Channel, Sink, SinkOutcome } from '#platform/channels/channel.port.ts';
import type { Entry } from './ingest.batch.ts';
import type { ItemOutcome } from './ingest.ports.ts';
import { divide, type Retrier } from './ingest.retry.ts';

/** Tries after which items are divided, to find the one that a sink refuses. */
const REFUSALS = 2;
/** Tries after which an item alone is refused: nothing else shows there that the store is well. */
const LAST_REFUSALS = 5;

export interface SinkRunner {
  /**
   * Hands the entries of a channel to its sinks, one after the other, until each has been taken or refused.
   * @returns what became of each entry; empty for a channel without sinks that leaves its items to the store
   */
  run(channel: Channel, entries: readonly Entry[]): Promise<ReadonlyMap<Entry, ItemOutcome>>;
}

/** @param onRefused an item that a sink does not take although it takes others */
export function createSinkRunner(
  sinks: readonly Sink[],
  retry: Retrier['retry'],
  onRefused: (what: string, item: unknown, error: unknown) => void,
): SinkRunner {
  /** As a whole or, if that is refused, in parts, and each item that is refused once more by itself. */
  async function offer(sink: Sink, entries: readonly Entry[]): Promise<ReadonlyMap<Entry, SinkOutcome>> {
    const outcomes = new Map<Entry, SinkOutcome>();
    const write = async (part: readonly Entry[]) => {
      const said = await sink.apply(part.map(({ value }) => value));
      for (const [index, entry] of part.entries())
        outcomes.set(entry, said === undefined ? 'stored' : (said[index] as SinkOutcome));
    };
    try {
      await retry(() => write(entries), { refusals: REFUSALS });
    } catch {
      for (const entry of await divide(entries, (part) => retry(() => write(part), { refusals: 1 }))) {
        try {
          await retry(() => write([entry]), { refusals: LAST_REFUSALS });
        } catch (error) {
          onRefused(sink.name, entry.value, error);
          outcomes.set(entry, 'not_storable');
        }
      }
    }
    return outcomes;
  }

  return {
    async run(channel, entries) {
      const outcomes = new Map<Entry, ItemOutcome>();
      for (const sink of sinks) {
        if (sink.channel.name !== channel.name) continue;
        for (const [entry, outcome] of await offer(sink, entries)) {
          outcomes.set(entry, strongest(outcomes.get(entry), outcome));
        }
      }
      if (channel.unclaimedReason === undefined) return outcomes;
      for (const entry of entries) {
        if ((outcomes.get(entry) ?? 'unclaimed') === 'unclaimed') outcomes.set(entry, channel.unclaimedReason);
      }
      return outcomes;
    },
  };
}

/** Of what two sinks say of one item: that it cannot be stored, that it is stored, the first reason, nothing. */
function strongest(former: ItemOutcome | undefined, outcome: SinkOutcome): ItemOutcome {
  if (former === undefined || former === 'unclaimed') return outcome;
  if (outcome === 'not_storable' || former === 'not_storable') return 'not_storable';
  return outcome === 'stored' ? 'stored' : former;
}
