import type { Logger } from './logger.ts';

/**
 * The one map of event types. Each module adds its own by declaration merging in `<x>.events.ts`:
 * `declare module '#kernel/events.ts' { interface EventMap { 'device.created': {...} } }`.
 * Data is JSON-serialisable; instants are epoch milliseconds.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface EventMap {}

export type EventType = keyof EventMap & string;

/** `local`: this process did it. `relay`: another process did, and has done what has to be done once. */
export type EventOrigin = 'local' | 'relay';

export type DomainEvent<T extends EventType = EventType> = {
  /** `origin` is left out when it is `local`. */
  [K in T]: { readonly type: K; readonly at: number; readonly data: EventMap[K]; readonly origin?: EventOrigin };
}[T];

export type EventHandler<T extends EventType> = (event: DomainEvent<T>) => void | Promise<void>;

/**
 * In-process publish/subscribe. Delivery is in the order of `emit`, to each handler in the order of
 * `on`; a handler that fails is logged and does not stop the others. Handlers are idempotent.
 */
export interface EventBus {
  emit<T extends EventType>(type: T, at: number, data: EventMap[T], origin?: EventOrigin): void;
  /**
   * The same, and resolves when every handler has finished: for an event that comes from where it can be had again.
   * @throws what the first handler failed with, after all of them
   */
  deliver<T extends EventType>(type: T, at: number, data: EventMap[T], origin: EventOrigin): Promise<void>;
  /** @returns a function that removes the handler. */
  on<T extends EventType>(type: T, handler: EventHandler<T>): () => void;
  /** The same bus for one owner, who removes at once all handlers that were added through it. */
  scope(): EventScope;
}

export interface EventScope extends EventBus {
  /** Removes the handlers of this owner; events that it emits still reach the others. Idempotent. */
  end(): void;
}

export function createEventBus(logger: Logger): EventBus {
  // Replaced, never changed: who comes or goes while an event is delivered counts from the next one.
  const subscriptions = new Map<string, readonly Subscription[]>();
  const failed = (type: string, error: unknown) => logger.error({ err: error, event: type }, 'event handler failed');

  const eventOf = (type: string, at: number, data: unknown, origin: EventOrigin) =>
    (origin === 'local' ? { type, at, data } : { type, at, data, origin }) as unknown as DomainEvent;

  const bus: EventBus = {
    emit(type, at, data, origin = 'local') {
      const current = subscriptions.get(type);
      if (current === undefined) return;
      const event = eventOf(type, at, data, origin);
      for (const { handler } of current) {
        try {
          const pending = handler(event as never);
          if (pending !== undefined) pending.catch((error: unknown) => failed(type, error));
        } catch (error) {
          failed(type, error);
        }
      }
    },
    async deliver(type, at, data, origin) {
      const event = eventOf(type, at, data, origin);
      const current = subscriptions.get(type) ?? [];
      const results = await Promise.allSettled(current.map(async ({ handler }) => handler(event as never)));
      const failures = results.filter((result) => result.status === 'rejected');
      for (const { reason } of failures) failed(type, reason);
      if (failures[0] !== undefined) throw failures[0].reason;
    },
    on(type, handler) {
      const added: Subscription = { handler: handler as unknown as EventHandler<EventType> };
      subscriptions.set(type, [...(subscriptions.get(type) ?? []), added]);
      return () => {
        const rest = (subscriptions.get(type) ?? []).filter((subscription) => subscription !== added);
        if (rest.length === 0) subscriptions.delete(type);
        else subscriptions.set(type, rest);
      };
    },
    scope: () => scopeOf(bus),
  };
  return bus;
}

function scopeOf(bus: EventBus): EventScope {
  const removers = new Set<() => void>();
  return {
    ...bus,
    on(type, handler) {
      const remove = bus.on(type, handler);
      const forget = () => {
        removers.delete(forget);
        remove();
      };
      removers.add(forget);
      return forget;
    },
    end() {
      for (const remove of [...removers]) remove();
    },
  };
}

interface Subscription {
  readonly handler: EventHandler<EventType>;
}
