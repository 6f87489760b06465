import type { DomainEvent, EventBus, EventType } from '#kernel/events.ts';

/** Everything that is emitted on `events` from now on, in order. */
export function recordEvents(events: EventBus, ...types: readonly EventType[]): DomainEvent[] {
  const recorded: DomainEvent[] = [];
  for (const type of types) events.on(type, (event) => void recorded.push(event as DomainEvent));
  return recorded;
}
