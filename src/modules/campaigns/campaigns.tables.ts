import type { Generated } from 'kysely';
import type { CampaignState } from './campaigns.ports.ts';
import type { DeviceState } from './campaigns.rules.ts';

/** The module's tables, for its repository. */
export interface CampaignTables {
  campaigns: {
    id: Generated<number>;
    name: string;
    firmware_id: number;
    version: string;
    /** JSON: the rest of the plan. */
    plan: string;
    status: CampaignState;
    stage: number;
    stage_at: number | null;
    is_gate_waived: number;
    /** JSON. */
    verdicts: string;
    reason: string | null;
    pace_since: number;
    pace_used: number;
    enrolled_after: number | null;
    enrolled_at: number | null;
    approved_by: number | null;
    created_by: number | null;
    created_at: number;
    started_at: number | null;
    ended_at: number | null;
    updated_at: number;
  };
  campaign_devices: {
    id: Generated<number>;
    campaign_id: number;
    device_id: number;
    device_uid: string;
    release_rank: number;
    zone: string | null;
    stage: number | null;
    status: DeviceState;
    is_open: number;
    attempts: number;
    progress: number | null;
    reason: string | null;
    due_at: number | null;
    since: number;
    /** JSON: [{status, at}]. */
    history: string;
    created_at: number;
    updated_at: number;
  };
}
