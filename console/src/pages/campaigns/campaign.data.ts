import type { components } from '#console/api/schema.d.ts';
import type { GateCondition } from './gates.ts';

type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

export interface Stage {
  readonly percent?: number;
  readonly devices?: number;
  readonly gate: readonly GateCondition[];
}

/** What the API document leaves open. */
interface Planned {
  readonly stages: readonly Stage[];
  readonly windows: readonly { readonly from: string; readonly to: string }[];
  readonly retries: { readonly max: number; readonly backoff_seconds: number };
  readonly timeouts: Readonly<
    Record<'seen_seconds' | 'offered_seconds' | 'downloading_seconds' | 'installing_seconds', number>
  >;
}

export type Campaign = Omit<Schema<'CampaignWithCounts'>, keyof Planned> & Planned;

/** An answer of the API as what it is. */
export const campaignOf = (answer: Schema<'CampaignWithCounts'>): Campaign => answer as unknown as Campaign;
