import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import { campaignErrors } from './campaigns.errors.ts';
import {
  CAMPAIGN_DEVICE_SORT_FIELDS,
  CAMPAIGN_SORT_FIELDS,
  type Campaign,
  type CampaignDevice,
  type CampaignDeviceFilter,
  type CampaignFilter,
  type CampaignPlan,
  type CampaignState,
  type CampaignStore,
  type CampaignUpdate,
  type StateCounts,
} from './campaigns.ports.ts';

/** What is shown of the past of one device. */
const SHOWN = 20;

export interface CampaignsServiceDeps {
  readonly store: CampaignStore;
  readonly devices: Pick<DevicesApi, 'getVisible' | 'describe' | 'groupExists'>;
  readonly jobs: JobQueue;
  readonly clock: Clock;
}

export interface CampaignWithCounts {
  readonly campaign: Campaign;
  readonly counts: StateCounts;
}

export type CampaignsService = ReturnType<typeof createCampaignsService>;

export function createCampaignsService({ store, devices, jobs, clock }: CampaignsServiceDeps) {
  async function existing(id: number): Promise<Campaign> {
    const campaign = await store.find(id);
    if (campaign === null) throw campaignErrors.campaign_not_found();
    return campaign;
  }

  async function withCounts(id: number): Promise<CampaignWithCounts> {
    return { campaign: await existing(id), counts: await store.count(id) };
  }

  /** @param next refuses, or says what changes */
  async function change(
    principal: Principal,
    id: number,
    { action }: Pick<AuditEntry, 'action'>,
    next: (campaign: Campaign, at: number) => CampaignUpdate,
  ): Promise<CampaignWithCounts> {
    const at = clock.now();
    await store.transaction(async (writer, audit) => {
      const campaign = await writer.find(id);
      if (campaign === null) throw campaignErrors.campaign_not_found();
      await writer.update(id, next(campaign, at), at);
      await audit.record({ actor: principal, ...entry(action, campaign), details: { name: campaign.name } });
    });
    await jobs.enqueue('ota_batch', { campaign_id: id });
    return await withCounts(id);
  }

  function only(states: readonly CampaignState[], { state }: Campaign): void {
    if (states.includes(state)) return;
    const detail = `The campaign is ${state}; this can be done while it is ${states.join(' or ')}.`;
    throw campaignErrors.campaign_state_conflict({ detail });
  }

  return {
    /** @throws AppError `campaign_invalid`, `device_target_invalid` */
    async create(principal: Principal, plan: CampaignPlan): Promise<CampaignWithCounts> {
      if ('groupId' in plan.target && !(await devices.groupExists(plan.target.groupId))) {
        const fields = [{ path: '/target/group_id', message: 'must be a group that exists' }];
        throw deviceErrors.device_target_invalid({ details: { fields } });
      }
      const campaign = await store.transaction(async (writer, audit) => {
        const createdAt = clock.now();
        const image = await writer.findFirmware(plan.firmwareId);
        if (image === null) throw invalid('/firmware_id', 'must be a firmware that exists');
        if ('deviceType' in plan.target && plan.target.deviceType !== image.deviceType) {
          throw invalid('/target/device_type', `must be that of the firmware, ${JSON.stringify(image.deviceType)}`);
        }
        if (image.notAfter !== null && image.notAfter <= createdAt) {
          throw invalid('/firmware_id', 'must be a firmware that may still be installed: its not_after is over');
        }
        const made = await writer.insert({ ...plan, version: image.version, createdBy: principal.userId, createdAt });
        const details = { name: plan.name, firmware_id: plan.firmwareId, version: image.version };
        await audit.record({ actor: principal, ...entry('campaign.created', made), details });
        return made;
      });
      return { campaign, counts: {} };
    },

    /** By another person than the one who made it. @throws AppError `campaign_own_approval`, `campaign_state_conflict` */
    approve: (principal: Principal, id: number): Promise<CampaignWithCounts> =>
      change(principal, id, { action: 'campaign.approved' }, (campaign) => {
        only(['DRAFT'], campaign);
        if (campaign.createdBy === principal.userId) throw campaignErrors.campaign_own_approval();
        return { approvedBy: principal.userId };
      }),

    /** At its time. @throws AppError `campaign_not_approved`, `campaign_state_conflict` */
    start: (principal: Principal, id: number): Promise<CampaignWithCounts> =>
      change(principal, id, { action: 'campaign.started' }, (campaign) => {
        only(['DRAFT'], campaign);
        if (campaign.requiresApproval && campaign.approvedBy === null) throw campaignErrors.campaign_not_approved();
        return { state: 'SCHEDULED' };
      }),

    /** Nothing more is offered; what devices have begun goes on. @throws AppError `campaign_state_conflict` */
    pause: (principal: Principal, id: number): Promise<CampaignWithCounts> =>
      change(principal, id, { action: 'campaign.paused' }, (campaign) => {
        only(['RUNNING'], campaign);
        return { state: 'PAUSED', reason: 'person' };
      }),

    /** A gate that had failed counts no more for its stage. @throws AppError `campaign_state_conflict` */
    resume: (principal: Principal, id: number): Promise<CampaignWithCounts> =>
      change(principal, id, { action: 'campaign.resumed' }, (campaign) => {
        only(['PAUSED'], campaign);
        return { state: 'RUNNING', reason: null, isGateWaived: campaign.isGateWaived || campaign.reason === 'gate' };
      }),

    /** What is open is CANCELLED. @throws AppError `campaign_state_conflict` */
    abort: (principal: Principal, id: number): Promise<CampaignWithCounts> =>
      change(principal, id, { action: 'campaign.aborted' }, (campaign, at) => {
        only(['DRAFT', 'SCHEDULED', 'RUNNING', 'PAUSED'], campaign);
        return { state: 'ABORTED', reason: 'person', endedAt: at };
      }),

    /** @throws AppError `campaign_not_found` */
    get: withCounts,

    /** @throws AppError `invalid_sort` */
    async list(filter: CampaignFilter, query: PageQuery): Promise<Page<Campaign>> {
      const sort = parseSort(query.sort, CAMPAIGN_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
      const { items, total } = await store.list({ ...query, filter, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `campaign_not_found`, `invalid_sort` */
    async listDevices(id: number, filter: CampaignDeviceFilter, query: PageQuery) {
      const campaign = await existing(id);
      const sort = parseSort(query.sort, CAMPAIGN_DEVICE_SORT_FIELDS, [{ field: 'id', direction: 'asc' }]);
      const { items, total } = await store.listDevices({ ...query, filter: { ...filter, campaignId: id }, sort });
      return { campaign, page: toPage(items, total, query), at: clock.now() };
    },

    /** Where the firmware of a device stands, the newest campaign first. @throws AppError as `getVisible` */
    async ofDevice(principal: Principal, deviceId: number) {
      await devices.getVisible(principal, deviceId);
      const [device] = await devices.describe([deviceId]);
      const sort = [{ field: 'id', direction: 'desc' }] as const;
      const { items } = await store.listDevices({ filter: { deviceId }, sort, page: 1, size: SHOWN });
      const entries: { readonly entry: CampaignDevice; readonly campaign: Campaign }[] = [];
      for (const each of items) entries.push({ entry: each, campaign: await existing(each.campaignId) });
      return { firmwareVersion: device?.firmwareVersion ?? null, entries, at: clock.now() };
    },
  };
}

function invalid(path: string, message: string) {
  return campaignErrors.campaign_invalid({ details: { fields: [{ path, message }] } });
}

function entry(
  action: string,
  { id }: Pick<Campaign, 'id'>,
): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'campaign', resourceId: String(id) };
}
