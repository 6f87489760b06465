import type { OneOrMore, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { DeviceTarget } from '#modules/devices/index.ts';
import type { Firmware } from '#modules/firmware/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { GateCondition, Verdict } from './campaigns.gates.ts';
import type { DeviceState, OtaFacts, OtaTimeouts } from './campaigns.rules.ts';
import type { Pace, Stage, Window } from './campaigns.schedule.ts';

export const CAMPAIGN_STATES = ['DRAFT', 'SCHEDULED', 'RUNNING', 'PAUSED', 'COMPLETED', 'ABORTED'] as const;
export type CampaignState = (typeof CAMPAIGN_STATES)[number];
/** Devices may still be at it. */
export const ACTIVE_STATES = ['SCHEDULED', 'RUNNING', 'PAUSED'] as const satisfies readonly CampaignState[];

export interface CampaignStage extends Stage {
  readonly gate: readonly GateCondition[];
}

/** What is to be done. */
export interface CampaignPlan {
  readonly name: string;
  readonly firmwareId: number;
  readonly target: DeviceTarget;
  readonly stages: readonly CampaignStage[];
  /** Offers; null: no limit. */
  readonly ratePerMinute: number | null;
  /** Epoch milliseconds; null: when it is started. */
  readonly startAt: number | null;
  readonly windows: readonly Window[];
  /** IANA name, of the windows. */
  readonly zone: string;
  /** Whether the windows are in the zone of each device that has one. Absent in plans from before there was this. */
  readonly isInDeviceZone?: boolean;
  readonly maxRetries: number;
  readonly backoffSeconds: number;
  readonly timeouts: OtaTimeouts;
  readonly onFail: 'pause' | 'abort';
  /** Whether devices that come to the target while it runs join. */
  readonly isContinuous: boolean;
  readonly requiresApproval: boolean;
}

/** Instants are epoch milliseconds. */
export interface Campaign extends CampaignPlan {
  readonly id: number;
  /** Of its firmware. */
  readonly version: string;
  readonly state: CampaignState;
  /** Index of the stage that it is in. */
  readonly stage: number;
  readonly stageAt: number | null;
  /** Somebody resumed it although the gate of this stage had failed: that gate counts no more. */
  readonly isGateWaived: boolean;
  /** Of the last look at the gate. */
  readonly verdicts: readonly Verdict[];
  /** Why it is paused or was aborted: `gate`, or `person`. */
  readonly reason: string | null;
  readonly pace: Pace;
  /** The last device of the target that was taken in; null: all of them were. */
  readonly enrolledAfter: number | null;
  readonly enrolledAt: number | null;
  readonly approvedBy: number | null;
  readonly createdBy: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export interface CampaignDevice extends OtaFacts {
  readonly id: number;
  readonly campaignId: number;
  readonly deviceId: number;
  readonly deviceUid: string;
  /** The order of release. */
  readonly rank: number;
  /** IANA name, of the device; null: not known. */
  readonly zone: string | null;
  /** Index of the stage that released it; null: none yet. */
  readonly stage: number | null;
  /** Since when it is in this state. */
  readonly since: number;
  readonly history: readonly { readonly status: DeviceState; readonly at: number }[];
}

export type NewCampaignDevice = Omit<CampaignDevice, 'id' | 'isReleased'>;

export type CampaignUpdate = Partial<
  Pick<
    Campaign,
    | 'state'
    | 'stage'
    | 'stageAt'
    | 'isGateWaived'
    | 'verdicts'
    | 'reason'
    | 'pace'
    | 'enrolledAfter'
    | 'enrolledAt'
    | 'approvedBy'
    | 'startedAt'
    | 'endedAt'
  >
>;

export const CAMPAIGN_SORT_FIELDS = ['id', 'name', 'created_at', 'started_at', 'status'] as const;
export const CAMPAIGN_DEVICE_SORT_FIELDS = ['id', 'device_id', 'status', 'since'] as const;

export interface CampaignFilter {
  readonly state?: OneOrMore<CampaignState>;
  readonly firmwareId?: OneOrMore<number>;
  /** Contained in the name. */
  readonly q?: string;
}

export interface CampaignDeviceFilter {
  readonly campaignId?: number;
  readonly deviceId?: number;
  readonly state?: OneOrMore<DeviceState>;
  /** Contained in the uid, or in the reason. */
  readonly q?: string;
}

interface ListQuery<Filter, Field extends string> extends Omit<PageQuery, 'sort'> {
  readonly filter: Filter;
  readonly sort: readonly SortTerm<Field>[];
}
export type CampaignListQuery = ListQuery<CampaignFilter, (typeof CAMPAIGN_SORT_FIELDS)[number]>;
export type CampaignDeviceListQuery = ListQuery<CampaignDeviceFilter, (typeof CAMPAIGN_DEVICE_SORT_FIELDS)[number]>;

export type StateCounts = Readonly<Partial<Record<DeviceState, number>>>;

export interface CampaignReader {
  find(id: number): Promise<Campaign | null>;
  findDevice(campaignId: number, deviceId: number): Promise<CampaignDevice | null>;
  /** Open entries of these devices, in campaigns that are RUNNING or PAUSED. */
  listOpenOf(deviceIds: readonly number[]): Promise<readonly CampaignDevice[]>;
  count(campaignId: number): Promise<StateCounts>;
  /** Of those that a stage has released. */
  countReleased(
    campaignId: number,
    stage: number,
  ): Promise<{
    readonly counts: StateCounts;
    /** By this stage and those before it. */
    readonly released: number;
    readonly notSeen: number;
    readonly lastSuccessAt: number | null;
    /** With those that may be released yet. */
    readonly total: number;
  }>;
}

export interface CampaignWriter extends CampaignReader {
  /** Null: there is none. It stays while this transaction lasts, and then as long as the campaign needs it. */
  findFirmware(id: number): Promise<Firmware | null>;
  insert(plan: CampaignPlan & Pick<Campaign, 'version' | 'createdBy' | 'createdAt'>): Promise<Campaign>;
  update(id: number, changes: CampaignUpdate, at: number): Promise<void>;
  /** Those of `deviceIds` that are in it. */
  enrolled(campaignId: number, deviceIds: readonly number[]): Promise<ReadonlySet<number>>;
  insertDevices(devices: readonly NewCampaignDevice[]): Promise<void>;
  updateDevice(device: CampaignDevice, at: number): Promise<void>;
  /**
   * Not released yet, in their order: of the first `first`, those in one of `zones`, `limit` at the most.
   * @param zones null: any
   */
  listUnreleased(
    campaignId: number,
    of: { readonly first: number; readonly limit: number; readonly zones: readonly (string | null)[] | null },
  ): Promise<readonly CampaignDevice[]>;
  /** Zones of those that are not released yet, each once. */
  listZones(campaignId: number): Promise<readonly (string | null)[]>;
  /** Where the device stands now, for its open entries. */
  setZone(deviceId: number, zone: string | null, at: number): Promise<void>;
  /** Open ones for which something is due. */
  listDue(campaignId: number, at: number, limit: number): Promise<readonly CampaignDevice[]>;
  listOpen(campaignId: number, limit: number): Promise<readonly CampaignDevice[]>;
}

export interface CampaignStore extends CampaignReader {
  list(query: CampaignListQuery): Promise<{ readonly items: readonly Campaign[]; readonly total: number }>;
  listDevices(
    query: CampaignDeviceListQuery,
  ): Promise<{ readonly items: readonly CampaignDevice[]; readonly total: number }>;
  /** Released, with nothing begun, and an id above `afterId`, by id. */
  listWaiting(campaignId: number, afterId: number, limit: number): Promise<readonly CampaignDevice[]>;
  /** Campaigns that are under way, and devices in them, by state; from indexes. */
  countActive(): Promise<{
    readonly campaigns: Readonly<Partial<Record<CampaignState, number>>>;
    readonly devices: StateCounts;
  }>;
  /** Campaigns that something has to be done for. */
  listActive(limit: number): Promise<readonly number[]>;
  /** Whether the image was offered to the device, or may be at any moment, in a campaign that is not over for it. */
  isOffered(deviceId: number, firmwareId: number): Promise<boolean>;
  /** SUCCEEDED, since when, and not yet begun, `limit` of each at the most: for comparing them. */
  sample(
    campaignId: number,
    limit: number,
  ): Promise<{
    readonly updated: readonly { readonly deviceId: number; readonly since: number }[];
    readonly others: readonly number[];
  }>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(work: (writer: CampaignWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
