import type { Component } from '#kernel/lifecycle.ts';

/**
 * Carries messages from each process of an installation to every other one, so that what one of them changed is
 * known to all at once. At most once: a message may be lost, but never unnoticed (see `onGap`). Messages of one
 * process arrive in the order in which it published them.
 */
export interface EventRelay extends Component {
  /**
   * To every other process that is listening now, never back to this one. Need not be awaited.
   * @returns resolves, and never rejects, when the message was handed over or is lost
   */
  publish(message: RelayMessage): Promise<void>;
  /** @returns a function that removes the handler. A handler that throws is logged. */
  onMessage(handler: (message: RelayMessage) => void): () => void;
  /**
   * Called when messages may have been missed, after this process listens again: whatever was kept in memory on
   * the strength of messages has to be given up. Not called for the first start.
   * @returns a function that removes the handler
   */
  onGap(handler: () => void): () => void;
  /** False while messages of others are missed, or not known to be received; `onGap` follows. */
  isListening(): boolean;
  /** Roughly how many other processes listen. @throws AppError `unavailable` */
  peers(): Promise<number>;
}

export interface RelayMessage {
  readonly type: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** JSON-serialisable. */
  readonly data: unknown;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    /** Events of other processes may have been missed: what is known only through them may be out of date. */
    'relay.gap': Readonly<Record<string, never>>;
  }
}
