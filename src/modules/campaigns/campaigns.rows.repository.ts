import type { Insertable, Kysely, Selectable, Updateable } from 'kysely';
import { defined } from '#kernel/defined.ts';
import { several } from '#kernel/pagination.ts';
import { containing, isLike } from '#platform/sql/sql.port.ts';
import type {
  Campaign,
  CampaignDevice,
  CampaignDeviceFilter,
  CampaignFilter,
  CampaignPlan,
  CampaignUpdate,
  NewCampaignDevice,
} from './campaigns.ports.ts';
import { isOpenState } from './campaigns.rules.ts';
import type { CampaignTables } from './campaigns.tables.ts';

/* Rows of the tables ⇄ what the services know. */

type Db = Kysely<CampaignTables>;

export function filtered(db: Db, { state, firmwareId, q }: CampaignFilter) {
  let query = db.selectFrom('campaigns');
  if (state !== undefined) query = query.where('status', 'in', several(state));
  if (firmwareId !== undefined) query = query.where('firmware_id', 'in', several(firmwareId));
  if (q !== undefined) query = query.where(isLike(['name'], containing(q)));
  return query;
}

export function devicesFiltered(db: Db, { campaignId, deviceId, state, q }: CampaignDeviceFilter) {
  let query = db.selectFrom('campaign_devices');
  if (campaignId !== undefined) query = query.where('campaign_id', '=', campaignId);
  if (deviceId !== undefined) query = query.where('device_id', '=', deviceId);
  if (state !== undefined) query = query.where('status', 'in', several(state));
  if (q !== undefined) query = query.where(isLike(['device_uid', 'reason'], containing(q)));
  return query;
}

export function planRow(
  plan: CampaignPlan & Pick<Campaign, 'version' | 'createdBy' | 'createdAt'>,
): Insertable<CampaignTables['campaigns']> {
  const { name, firmwareId, version, createdBy, createdAt, ...rest } = plan;
  return {
    name,
    firmware_id: firmwareId,
    version,
    plan: JSON.stringify(rest),
    status: 'DRAFT',
    stage: 0,
    stage_at: null,
    is_gate_waived: 0,
    verdicts: '[]',
    reason: null,
    pace_since: 0,
    pace_used: 0,
    enrolled_after: 0,
    enrolled_at: null,
    approved_by: null,
    created_by: createdBy,
    created_at: createdAt,
    started_at: null,
    ended_at: null,
    updated_at: createdAt,
  };
}

export function updateRow(changes: CampaignUpdate): Updateable<CampaignTables['campaigns']> {
  const { isGateWaived, verdicts, pace } = changes;
  return defined({
    status: changes.state,
    stage: changes.stage,
    stage_at: changes.stageAt,
    is_gate_waived: isGateWaived === undefined ? undefined : Number(isGateWaived),
    verdicts: verdicts === undefined ? undefined : JSON.stringify(verdicts),
    reason: changes.reason,
    pace_since: pace?.since,
    pace_used: pace?.used,
    enrolled_after: changes.enrolledAfter,
    enrolled_at: changes.enrolledAt,
    approved_by: changes.approvedBy,
    started_at: changes.startedAt,
    ended_at: changes.endedAt,
  });
}

export function toCampaign(row: Selectable<CampaignTables['campaigns']>): Campaign {
  return {
    ...(JSON.parse(row.plan) as Omit<CampaignPlan, 'name' | 'firmwareId'>),
    id: row.id,
    name: row.name,
    firmwareId: row.firmware_id,
    version: row.version,
    state: row.status,
    stage: row.stage,
    stageAt: row.stage_at,
    isGateWaived: row.is_gate_waived === 1,
    verdicts: JSON.parse(row.verdicts),
    reason: row.reason,
    pace: { since: row.pace_since, used: row.pace_used },
    enrolledAfter: row.enrolled_after,
    enrolledAt: row.enrolled_at,
    approvedBy: row.approved_by,
    createdBy: row.created_by,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

export function deviceRow(device: NewCampaignDevice | CampaignDevice, at: number) {
  return {
    campaign_id: device.campaignId,
    device_id: device.deviceId,
    device_uid: device.deviceUid,
    release_rank: device.rank,
    zone: device.zone,
    stage: device.stage,
    status: device.state,
    is_open: Number(isOpenState(device.state)),
    attempts: device.attempts,
    progress: device.progress,
    reason: device.reason,
    due_at: device.dueAt,
    since: device.since,
    history: JSON.stringify(device.history),
    updated_at: at,
  };
}

export function toDevice(row: Selectable<CampaignTables['campaign_devices']>): CampaignDevice {
  return {
    id: row.id,
    campaignId: row.campaign_id,
    deviceId: row.device_id,
    deviceUid: row.device_uid,
    rank: row.release_rank,
    zone: row.zone,
    stage: row.stage,
    isReleased: row.stage !== null,
    state: row.status,
    attempts: row.attempts,
    progress: row.progress,
    reason: row.reason,
    dueAt: row.due_at,
    since: row.since,
    history: JSON.parse(row.history),
  };
}
