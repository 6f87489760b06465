import type { Sample } from '#platform/telemetry/telemetry.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';

/** A message that is followed on its way through a batch. */
export interface MessageTrace {
  /** From its arrival to its acknowledgement. */
  readonly span: Span;
  /** Its samples: indexes into the batch's, `end` excluded. */
  readonly first: number;
  readonly end: number;
  /** The commit that it shares with the rest of the batch. */
  commit: Span | null;
}

/** As much of a batch as is looked at here. */
interface TracedBatch {
  readonly traces: readonly MessageTrace[];
  readonly samples: readonly Sample[];
  readonly items: number;
}

export function beginCommit({ traces, items }: TracedBatch): void {
  for (const trace of traces) trace.commit = trace.span.child('commit', { 'core_api.batch_items': items });
}

export function endCommit({ traces }: Pick<TracedBatch, 'traces'>): void {
  for (const { commit } of traces) commit?.end();
}

export function endTraces({ traces }: Pick<TracedBatch, 'traces'>): void {
  for (const { span } of traces) span.end();
}

/** The spans of the samples that are followed; null, as almost always: of none. */
export function spansOf({ traces, samples }: Omit<TracedBatch, 'items'>): ReadonlyMap<Sample, Span> | null {
  if (traces.length === 0) return null;
  const spans = new Map<Sample, Span>();
  for (const { span, first, end } of traces) for (const sample of samples.slice(first, end)) spans.set(sample, span);
  return spans;
}
