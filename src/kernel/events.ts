import type { Logger } from './logger.ts';

/**
 * The one map of event types. Each module adds its own by declaration merging in `<x>.events.ts`:
 * `declare module '#kernel/events.ts' { interface EventMap { 'device.created': {...} } }`.
 * Data is JSON-serialisable; instants are epoch milliseconds.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface EventMap {}

export type EventType = keyof EventMap & string;

export type DomainEvent<T extends EventType = EventType> = {
  [K in T]: { readonly type: K; readonly at: number; readonly data: EventMap[K] };
}[T];

export type EventHandler<T extends EventType> = (event: DomainEvent<T>) => void | Promise<void>;

/**
 * In-process publish/subscribe. Delivery is in the order of `emit`, to each handler in the order of
 * `on`; a handler that fails is logged and does not stop the others. Handlers are idempotent.
 */
export interface EventBus {
  emit<T extends EventType>(type: T, at: number, data: EventMap[T]): void;
  /** @returns a function that removes the handler. */
  on<T extends EventType>(type: T, handler: EventHandler<T>): () => void;
}

export function createEventBus(logger: Logger): EventBus {
  const handlers = new Map<string, Set<EventHandler<EventType>>>();
  const failed = (type: string, error: unknown) => logger.error({ err: error, event: type }, 'event handler failed');

  return {
    emit(type, at, data) {
      const registered = handlers.get(type);
      if (registered === undefined) return;
      const event = { type, at, data } as unknown as DomainEvent;
      for (const handler of registered) {
        try {
          const pending = handler(event as never);
          if (pending !== undefined) pending.catch((error: unknown) => failed(type, error));
        } catch (error) {
          failed(type, error);
        }
      }
    },
    on(type, handler) {
      let registered = handlers.get(type);
      if (registered === undefined) {
        registered = new Set();
        handlers.set(type, registered);
      }
      const entry = handler as unknown as EventHandler<EventType>;
      registered.add(entry);
      return () => registered.delete(entry);
    },
  };
}
