import type { Component } from '#kernel/lifecycle.ts';

/**
 * Carries events between parts that run in processes of their own, at least once: what the relay, which may lose a
 * message, is not made for. Consumers are idempotent.
 */
export interface EventStreams extends Component {
  /** What `consume` was called for. Started when the handlers can work, and stopped before what they need. */
  readonly consumers: Component;
  /**
   * Appends to a stream; messages of one process are in the order in which it published them. While the server is
   * away they wait in this process, and are repeated until they are taken; some may then be there twice.
   * @returns resolves when it is in the stream, or when this process stops
   * @throws AppError `unavailable` when too many wait
   */
  publish(stream: string, message: StreamMessage): Promise<void>;
  /**
   * Before `consumers.start`. Each message of the stream, also those from before the first start, comes to one process of the
   * group. It is done with when the handler resolves. One whose handler fails, or whose process dies, comes again,
   * perhaps elsewhere, after those that came behind it; one that fails again and again, other than by `unavailable`,
   * is given up and logged.
   */
  consume(stream: string, group: string, handler: (message: StreamMessage) => Promise<void>): void;
}

export interface StreamMessage {
  readonly type: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** JSON-serialisable. */
  readonly data: unknown;
}
