import type { Clock } from '#kernel/clock.ts';
import type { EventBus, EventMap, EventType } from '#kernel/events.ts';
import type { EventRelay } from './relay.port.ts';

export interface RelayEventsDeps {
  readonly events: EventBus;
  readonly relay: EventRelay;
  readonly clock: Clock;
}

/**
 * Lets every process hear the events of `types`, wherever they happen: those of this process go out, those of
 * others are emitted here with `origin: 'relay'`, which handlers that must act once in all look at. A loss is
 * emitted as `relay.gap`.
 */
export function relayEvents({ events, relay, clock }: RelayEventsDeps, types: readonly EventType[]): void {
  for (const type of types) {
    events.on(type, ({ at, data, origin }) => {
      if (origin !== 'relay') void relay.publish({ type, at, data });
    });
  }
  relay.onMessage(({ type, at, data }) => {
    const known = types.find((candidate) => candidate === type);
    // Another version of the program may relay what this one does not know.
    if (known !== undefined) events.emit(known, at, data as EventMap[EventType], 'relay');
  });
  relay.onGap(() => events.emit('relay.gap', clock.now(), {}));
}
