import type { Logger } from '#kernel/logger.ts';
import { createListeners } from './listeners.ts';
import type { EventRelay, RelayMessage } from './relay.port.ts';

/** What several systems in one process share, in tests. */
export type LocalMedium = Set<(message: RelayMessage) => void>;

/** `EventRelay` of a system that is one process: there is nobody to tell. */
export function createLocalRelay({
  logger,
  medium = new Set(),
}: {
  readonly logger: Logger;
  readonly medium?: LocalMedium;
}): EventRelay {
  const messages = createListeners<RelayMessage>(logger);
  const gaps = createListeners<void>(logger);

  return {
    name: 'relay',
    async start() {
      medium.add(messages.tell);
    },
    async stop() {
      medium.delete(messages.tell);
    },
    async publish(message) {
      const others = [...medium].filter((tell) => tell !== messages.tell);
      if (others.length === 0) return;
      const text = JSON.stringify(message);
      for (const tell of others) setImmediate(() => medium.has(tell) && tell(JSON.parse(text) as RelayMessage));
    },
    onMessage: messages.add,
    onGap: gaps.add,
    isListening: () => medium.has(messages.tell),
    peers: async () => [...medium].filter((tell) => tell !== messages.tell).length,
  };
}
