import type { Component } from '#kernel/lifecycle.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** What the work is to its surroundings: answering somebody, taking a message, or a part of either. */
export type SpanKind = 'server' | 'consumer' | 'internal';

/** One piece of work in a trace, from its beginning until `end`. Nothing here throws or waits. */
export interface Span {
  /** A part of this work, which may end later than it. */
  child(name: string, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Once. With an error the span counts as failed. */
  end(error?: unknown): void;
}

/**
 * Traces that follow work through the process, for OpenTelemetry. Only some of the work is recorded; what is not
 * costs one call of `samples`. Spans that cannot be delivered are dropped: nothing waits for them.
 */
export interface Tracing extends Component {
  /** Whether the next piece of work that begins here is recorded. */
  samples(): boolean;
  /** The first span of a new trace. Only after `samples` said so. */
  begin(name: string, kind: SpanKind, attributes?: SpanAttributes): Span;
  /**
   * Work on behalf of a caller, whose trace goes on if it has one.
   * @param traceparent the header of W3C Trace Context as it came; one that is malformed is ignored
   * @returns null: not recorded, because the caller says so, or, where it says nothing, `samples` does
   */
  continue(traceparent: string | undefined, name: string, kind: SpanKind): Span | null;
}
