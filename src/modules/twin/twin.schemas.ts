import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
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
  VERSION_ETAG,
} from '#platform/http/http.schemas.ts';
import { type GroupConfig, type Twin, type TwinVersion, VERSION_SORT_FIELDS } from './twin.ports.ts';
import type { Json } from './twin.rules.ts';
import { deltaOfTwin } from './twin.versions.ts';

const EXAMPLE = { interval_seconds: 30, thresholds: { temperature: 40 } };

/** Without a `type`, because the compiled serialiser is at its fastest when it knows nothing about the value. */
const json = (description: string, example: object = EXAMPLE) =>
  Type.Unsafe<Json>({ title: 'JSON object', description, examples: [example] });

const version = Type.Integer({ description: 'Rises by one with each change; 0: nothing was ever set', examples: [5] });
const updatedBy = Nullable({
  ...Id,
  description: 'User who did; null: the device, its group, or nobody yet',
  examples: [12],
});

export const ConfigBody = Type.Record(Type.String(), Type.Unknown(), {
  title: 'Configuration',
  description: 'JSON object of your own; 32 KiB and 10 levels at the most',
  examples: [EXAMPLE],
});
export const MERGE_PATCH = 'application/merge-patch+json';
const ConfigPatch = Type.Record(Type.String(), Type.Unknown(), {
  title: 'ConfigurationPatch',
  description: 'JSON merge patch (RFC 7396): what it names is set, null removes',
  examples: [{ interval_seconds: 60, thresholds: { humidity: null } }],
});
export const PatchBody = {
  content: { 'application/json': { schema: ConfigPatch }, [MERGE_PATCH]: { schema: ConfigPatch } },
};

/** @throws AppError `invalid_input`: nothing was sent */
export function patchIn(body: unknown): Json {
  if (typeof body === 'object' && body !== null) return body as Json;
  throw commonErrors.invalid_input({ details: { fields: [{ path: '/', message: 'must be an object' }] } });
}

const deviceId = { ...Id, description: 'Id of the device', examples: [7] };
export const DeviceParams = Strict({ device_id: deviceId });
export const GroupParams = Strict({ group_id: { ...Id, description: 'Id of the group', examples: [3] } });

export const TwinView = Strict('DeviceConfig', {
  desired: Strict(
    'DesiredConfig',
    {
      version,
      config: json('Its own, without the defaults of its group. A null removes a default'),
      updated_at: Nullable(Instant),
      updated_by: updatedBy,
    },
    { description: 'What is wanted of this device' },
  ),
  effective: json('What the device has to have: the defaults of its group, patched by its own'),
  reported: Strict(
    'ReportedConfig',
    {
      version: Nullable(Type.Integer({ description: 'The version that it has; null: it has not said', examples: [4] })),
      config: Nullable(json('What it has; null: it has not said')),
      error: Nullable(Type.String({ description: 'Why it could not apply that version', examples: ['out of range'] })),
      reported_at: Nullable(Instant),
    },
    { description: 'What the device said last' },
  ),
  delta: json('What is effective and missing or different in what was reported; arrays are compared as values', {
    interval_seconds: 30,
  }),
  defaults_applied: Type.Boolean({
    description:
      'Whether the present defaults of its group are in `effective`. False: with them it would be larger than 32 KiB, ' +
      'and stays what it was before',
    examples: [true],
  }),
  in_sync: Type.Boolean({
    description: 'Whether the device has applied all of it, the present defaults of its group included',
    examples: [false],
  }),
});

export const GroupConfigView = Strict('GroupConfig', {
  version,
  config: json('Defaults for every device of the group'),
  updated_at: Nullable(Instant),
  updated_by: updatedBy,
});

export const ConfigForDevice = Strict('ConfigForDevice', {
  version,
  config: json('What this device has to have'),
});

const changedBy = Type.Enum(['user', 'device', 'group'], {
  description: '`device`: it decided fields itself. `group`: the defaults or the membership changed',
  examples: ['user'],
});
const VersionView = Strict('DeviceConfigVersion', {
  version,
  config: json('Its own'),
  effective: json('With the defaults of its group'),
  changed_by: changedBy,
  user_id: Nullable({ ...Id, description: 'User who changed it, or the defaults', examples: [12] }),
  created_at: Instant,
});
export const HistoryView = PageOf(VersionView);
export const HistoryQuery = Strict({
  ...pageQuery,
  ...sortQuery(VERSION_SORT_FIELDS),
  ...searchQuery,
  changed_by: SeveralOf(changedBy),
});
export const HISTORY_HELP = `Newest first unless sorted by ${VERSION_SORT_FIELDS.join(', ')}; the last 100 are kept. \`q\` looks into the configurations as JSON.`;

export const RollbackBody = Strict('ConfigRollback', {
  version: Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Version to go back to', examples: [3] }),
});

export const IfNoneMatch = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({
      maxLength: 256,
      description: `${VERSION_ETAG} that it has: answered 304 when that is still it`,
      examples: ['"5"'],
    }),
  ),
});

export function presentTwin(twin: Twin): Static<typeof TwinView> {
  const { own, effective, reported, updatedAt, updatedBy: by, isInSync } = twin;
  return {
    desired: { version: twin.version, config: own, updated_at: toIsoOrNull(updatedAt), updated_by: by },
    effective,
    reported: {
      version: reported?.version ?? null,
      config: reported?.config ?? null,
      error: reported?.error ?? null,
      reported_at: toIsoOrNull(reported?.at ?? null),
    },
    delta: deltaOfTwin(twin),
    defaults_applied: !twin.isOverLimit,
    in_sync: isInSync,
  };
}

export function presentGroup({
  version: of,
  config,
  updatedAt,
  updatedBy: by,
}: GroupConfig): Static<typeof GroupConfigView> {
  return { version: of, config, updated_at: toIsoOrNull(updatedAt), updated_by: by };
}

export function presentVersion(each: TwinVersion): Static<typeof VersionView> {
  return {
    version: each.version,
    config: each.own,
    effective: each.effective,
    changed_by: each.changedBy,
    user_id: each.userId,
    created_at: toIso(each.at),
  };
}

export const NotModified = Type.Null({ description: 'As it was: its version was in `If-None-Match`' });
