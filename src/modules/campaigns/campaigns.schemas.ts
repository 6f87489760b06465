import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { DeviceTargetField, presentTarget, toTarget } from '#modules/devices/index.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { campaignErrors } from './campaigns.errors.ts';
import { checkGate, DEFAULT_GATE, GateConditionField, GateVerdict } from './campaigns.gates.schemas.ts';
import {
  CAMPAIGN_DEVICE_SORT_FIELDS,
  CAMPAIGN_SORT_FIELDS,
  CAMPAIGN_STATES,
  type Campaign,
  type CampaignFilter,
  type CampaignPlan,
  type CampaignState,
  type StateCounts,
} from './campaigns.ports.ts';
import { DEVICE_STATES, type DeviceState } from './campaigns.rules.ts';
import type { Window } from './campaigns.schedule.ts';

const DAY_S = 86_400;
const seconds = (description: string, maximum: number, example: number) =>
  Type.Integer({ minimum: 1, maximum, description, examples: [example] });

const stage = Strict(
  'CampaignStage',
  {
    percent: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 100, description: 'Of all devices, stages before included' }),
    ),
    devices: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'The same as a number' })),
    gate: Type.Optional(
      Type.Array(GateConditionField, {
        maxItems: 10,
        description: 'What has to hold before the next stage begins; none given: at most 10 % failed',
      }),
    ),
  },
  { description: 'A stage', examples: [{ percent: 5, gate: [{ type: 'failed_share', max: 0.05 }] }] },
);
const clockTime = (description: string) =>
  Type.String({
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
    'x-accepts': 'a time of day such as 22:30',
    description,
    examples: ['22:30'],
  });

const plan = {
  name: Type.String({ minLength: 1, maxLength: 100, description: 'For people', examples: ['Valve fix'] }),
  firmware_id: { ...Id, description: 'Firmware that is rolled out', examples: [4] },
};

export const CampaignBody = Strict('NewCampaign', {
  ...plan,
  target: DeviceTargetField,
  stages: Type.Optional(
    Type.Array(stage, {
      minItems: 1,
      maxItems: 20,
      description: 'In order; the last one is for all that are left. None given: one for all',
    }),
  ),
  rate_per_minute: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000,
      description: 'Devices that are released in a minute',
      examples: [60],
    }),
  ),
  schedule: Type.Optional(
    Strict(
      'CampaignSchedule',
      {
        start_at: Type.Optional({ ...Instant, description: 'Not before this' }),
        windows: Type.Optional(
          Type.Array(
            Strict('CampaignWindow', {
              from: clockTime('Begins'),
              to: clockTime('Ends; before `from`: on the next day'),
            }),
            {
              maxItems: 10,
              description: 'When offers are made; none: at any time',
            },
          ),
        ),
        zone: Type.Optional(
          Type.String({
            format: 'time-zone',
            default: 'UTC',
            description: 'Time zone of the windows (IANA)',
            examples: ['Asia/Seoul'],
          }),
        ),
        device_zone: Type.Optional(
          Type.Boolean({
            default: false,
            description: 'The windows are by the clock of each device, its `timezone`; in `zone` for one that has none',
            examples: [true],
          }),
        ),
      },
      { description: 'When', examples: [{ windows: [{ from: '22:00', to: '05:00' }], zone: 'Asia/Seoul' }] },
    ),
  ),
  retries: Type.Optional(
    Strict(
      'CampaignRetries',
      {
        max: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, default: 2, description: 'After the first try' })),
        backoff_seconds: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: DAY_S,
            default: 300,
            description: 'Before the first; twice as long before each further one',
          }),
        ),
      },
      { description: 'After an error or a time-out', examples: [{ max: 2, backoff_seconds: 300 }] },
    ),
  ),
  timeouts: Type.Optional(
    Strict(
      'CampaignTimeouts',
      {
        seen_seconds: Type.Optional(seconds('Until the device is there to be offered it', 90 * DAY_S, 7 * DAY_S)),
        offered_seconds: Type.Optional(seconds('Until it answers', 30 * DAY_S, 3_600)),
        downloading_seconds: Type.Optional(
          seconds('Until it has downloaded, and begins to install', 30 * DAY_S, 3_600),
        ),
        installing_seconds: Type.Optional(seconds('Until it reports the version', 30 * DAY_S, 1_800)),
      },
      { description: 'For each step', examples: [{ offered_seconds: 600 }] },
    ),
  ),
  on_fail: Type.Optional(
    Type.Enum(['pause', 'abort'], { default: 'pause', description: 'When a gate fails', examples: ['pause'] }),
  ),
  continuous: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Devices that come to the target join, and it runs until it is aborted',
      examples: [false],
    }),
  ),
  requires_approval: Type.Optional(
    Type.Boolean({ default: false, description: 'Another person has to approve it', examples: [true] }),
  ),
});

const status = Type.Unsafe<CampaignState>({
  title: 'CampaignStatus',
  type: 'string',
  enum: [...CAMPAIGN_STATES],
  description: 'Where the campaign stands',
  examples: ['RUNNING'],
});
const deviceStatus = Type.Unsafe<DeviceState>({
  title: 'CampaignDeviceStatus',
  type: 'string',
  enum: [...DEVICE_STATES],
  description: 'Where the device stands. The first five are open, the others final',
  examples: ['DOWNLOADING'],
});
const counts = Type.Object(
  Object.fromEntries(
    DEVICE_STATES.map((state) => [state, Type.Integer({ description: `Devices that are ${state}`, examples: [3] })]),
  ) as Record<DeviceState, ReturnType<typeof Type.Integer>>,
  { title: 'CampaignCounts', additionalProperties: false, description: 'Devices by status' },
);
export const CampaignView = Strict('Campaign', {
  id: { ...Id, examples: [2] },
  ...plan,
  version: Type.String({ description: 'Of its firmware', examples: ['1.5.0'] }),
  status,
  reason: Nullable(Type.String({ description: 'Why it is PAUSED or ABORTED: `gate` or `person`', examples: ['gate'] })),
  target: DeviceTargetField,
  stages: Type.Unsafe<Campaign['stages']>({
    title: 'Stages',
    description: 'As they were given',
    examples: [
      [
        { percent: 5, gate: [{ type: 'failed_share', max: 0.05 }] },
        { percent: 100, gate: [] },
      ],
    ],
  }),
  stage: Type.Integer({ description: 'The one that it is in, from 0', examples: [0] }),
  gate: Type.Array(GateVerdict, { description: 'The conditions of that stage, as of the last look' }),
  rate_per_minute: Nullable(
    Type.Integer({ description: 'Devices that are released in a minute; null: no limit', examples: [60] }),
  ),
  windows: Type.Array(
    Type.Unsafe<Window>({ title: 'Window', description: 'From and to', examples: [{ from: '22:00', to: '05:00' }] }),
    {
      description: 'When offers are made; none: at any time',
    },
  ),
  zone: Type.String({ description: 'Time zone of the windows', examples: ['Asia/Seoul'] }),
  device_zone: Type.Boolean({ description: 'The windows are by the clock of each device' }),
  retries: Type.Unsafe<{ readonly max: number; readonly backoff_seconds: number }>({
    title: 'Retries',
    description: 'After an error or a time-out',
    examples: [{ max: 2, backoff_seconds: 300 }],
  }),
  timeouts: Type.Unsafe<Readonly<Record<string, number>>>({
    title: 'Timeouts',
    description: 'For each step',
    examples: [
      { seen_seconds: 604_800, offered_seconds: 3_600, downloading_seconds: 3_600, installing_seconds: 1_800 },
    ],
  }),
  on_fail: Type.Enum(['pause', 'abort'], { description: 'When a gate fails', examples: ['pause'] }),
  continuous: Type.Boolean({ description: 'Devices that come to the target join' }),
  requires_approval: Type.Boolean({ description: 'Another person has to approve it' }),
  approved_by: Nullable({ ...Id, description: 'User who did', examples: [11] }),
  created_by: Nullable({ ...Id, description: 'User who made it', examples: [12] }),
  created_at: Instant,
  start_at: Nullable({ ...Instant, description: 'Not before this' }),
  started_at: Nullable(Instant),
  ended_at: Nullable(Instant),
});
export const CampaignPage = PageOf(CampaignView);
export const CampaignDetail = Strict('CampaignWithCounts', { ...CampaignView.properties, counts });

export const CampaignParams = Strict({ campaign_id: { ...Id, description: 'Id of the campaign', examples: [2] } });
export const CampaignQuery = Strict({
  ...pageQuery,
  ...sortQuery(CAMPAIGN_SORT_FIELDS),
  ...searchQuery,
  status: SeveralOf(status),
  firmware_id: SeveralOf({ ...Id, description: 'Firmware that is rolled out', examples: [4] }),
});
export const CampaignDevicesQuery = Strict({
  ...pageQuery,
  ...sortQuery(CAMPAIGN_DEVICE_SORT_FIELDS),
  ...searchQuery,
  status: SeveralOf(deviceStatus),
});
export { deviceStatus };

const DEFAULT_TIMEOUTS = { seen: 7 * DAY_S, offered: 3_600, downloading: 3_600, installing: 1_800 };

/** @throws AppError `campaign_invalid`, `device_target_invalid` */
export function toPlan(body: Static<typeof CampaignBody>): CampaignPlan {
  const { schedule = {}, retries = {}, timeouts = {} } = body;
  const stages = body.stages ?? [{ percent: 100 }];
  checkStages(stages);
  const zone = schedule.zone ?? 'UTC';
  checkWindows(schedule.windows ?? []);
  return {
    name: body.name,
    firmwareId: body.firmware_id,
    target: toTarget(body.target),
    stages: stages.map(({ gate = DEFAULT_GATE, ...of }) => ({ ...of, gate })),
    ratePerMinute: body.rate_per_minute ?? null,
    startAt: schedule.start_at === undefined ? null : instantOf(schedule.start_at),
    windows: schedule.windows ?? [],
    zone,
    isInDeviceZone: schedule.device_zone ?? false,
    maxRetries: retries.max ?? 2,
    backoffSeconds: retries.backoff_seconds ?? 300,
    timeouts: {
      seen: (timeouts.seen_seconds ?? DEFAULT_TIMEOUTS.seen) * 1_000,
      offered: (timeouts.offered_seconds ?? DEFAULT_TIMEOUTS.offered) * 1_000,
      downloading: (timeouts.downloading_seconds ?? DEFAULT_TIMEOUTS.downloading) * 1_000,
      installing: (timeouts.installing_seconds ?? DEFAULT_TIMEOUTS.installing) * 1_000,
    },
    onFail: body.on_fail ?? 'pause',
    isContinuous: body.continuous ?? false,
    requiresApproval: body.requires_approval ?? false,
  };
}

function checkStages(stages: readonly Static<typeof stage>[]): void {
  for (const [index, { percent, devices, gate = [] }] of stages.entries()) {
    checkGate(gate, (position, message) => invalid(`/stages/${index}/gate/${position}`, message));
    if ((percent === undefined) === (devices === undefined)) {
      throw invalid(`/stages/${index}`, 'must say either percent or devices');
    }
    const before = stages[index - 1];
    const isLess =
      (percent ?? 0) < (before?.percent ?? 0) || (devices ?? Number.POSITIVE_INFINITY) < (before?.devices ?? 0);
    if (isLess) throw invalid(`/stages/${index}`, 'must not be for fewer devices than the one before');
  }
}

function checkWindows(windows: readonly Window[]): void {
  const empty = windows.findIndex(({ from, to }) => from === to);
  if (empty >= 0) throw invalid(`/schedule/windows/${empty}/to`, 'must be another time than from');
}

function invalid(path: string, message: string) {
  return campaignErrors.campaign_invalid({ details: { fields: [{ path, message }] } });
}

export function toFilter(query: Static<typeof CampaignQuery>): CampaignFilter {
  return defined({ state: query.status, firmwareId: query.firmware_id, q: query.q });
}

export function presentCampaign(campaign: Campaign): Static<typeof CampaignView> {
  return {
    id: campaign.id,
    name: campaign.name,
    firmware_id: campaign.firmwareId,
    version: campaign.version,
    status: campaign.state,
    reason: campaign.reason,
    target: presentTarget(campaign.target),
    stages: campaign.stages,
    stage: campaign.stage,
    gate: campaign.verdicts.map(({ type, result, figures }) => ({ type, result, figures })),
    rate_per_minute: campaign.ratePerMinute,
    windows: [...campaign.windows],
    zone: campaign.zone,
    device_zone: campaign.isInDeviceZone === true,
    retries: { max: campaign.maxRetries, backoff_seconds: campaign.backoffSeconds },
    timeouts: Object.fromEntries(
      Object.entries(campaign.timeouts).map(([step, ms]) => [`${step}_seconds`, (ms as number) / 1_000]),
    ),
    on_fail: campaign.onFail,
    continuous: campaign.isContinuous,
    requires_approval: campaign.requiresApproval,
    approved_by: campaign.approvedBy,
    created_by: campaign.createdBy,
    created_at: toIso(campaign.createdAt),
    start_at: toIsoOrNull(campaign.startAt),
    started_at: toIsoOrNull(campaign.startedAt),
    ended_at: toIsoOrNull(campaign.endedAt),
  };
}

export function presentCounts(found: StateCounts): Static<typeof counts> {
  return Object.fromEntries(DEVICE_STATES.map((state) => [state, found[state] ?? 0])) as Record<DeviceState, number>;
}
