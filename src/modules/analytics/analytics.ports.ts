import type { StoredDocument } from '#platform/documents/documents.port.ts';

/** Epoch milliseconds; `start` inclusive, `end` exclusive. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

export const ANALYSIS_TYPES = ['report', 'daily', 'device'] as const;
export type AnalysisType = (typeof ANALYSIS_TYPES)[number];

/** A record of `analytics_results`. Instants are epoch milliseconds, except inside `result`, which is as it is shown. */
export interface AnalysisResult extends StoredDocument {
  readonly analysis_type: AnalysisType;
  readonly device_id: number;
  readonly start: number;
  readonly end: number;
  readonly created_at: number;
  readonly result: unknown;
}

export const DEFAULT_WINDOW = 20;

export const DEFAULT_THRESHOLD = 3;
