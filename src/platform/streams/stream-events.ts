import type { EventBus, EventMap, EventType } from '#kernel/events.ts';
import type { EventStreams } from './streams.port.ts';

export interface StreamEventsDeps {
  readonly events: EventBus;
  readonly streams: EventStreams;
}

/** What happens in this process, of these types, is written to the stream. */
export function publishEvents(
  { events, streams }: StreamEventsDeps,
  stream: string,
  types: readonly EventType[],
): void {
  for (const type of types) {
    events.on(type, async ({ at, data, origin }) => {
      if (origin !== 'relay') await streams.publish(stream, { type, at, data });
    });
  }
}

/** What the stream holds, of these types, is emitted here with `origin: 'relay'`, until every handler has finished. */
export function consumeEvents(
  { events, streams }: StreamEventsDeps,
  { stream, group }: { readonly stream: string; readonly group: string },
  types: readonly EventType[],
): void {
  streams.consume(stream, group, async ({ type, at, data }) => {
    const known = types.find((candidate) => candidate === type);
    // Another version of the program may write what this one does not know.
    if (known !== undefined) await events.deliver(known, at, data as EventMap[EventType], 'relay');
  });
}
