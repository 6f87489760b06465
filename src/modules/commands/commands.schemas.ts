import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { DeviceTargetField } from '#modules/devices/index.ts';
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
import type { CommandOrder } from './commands.creation.ts';
import { toMessage } from './commands.dispatcher.ts';
import {
  COMMAND_SORT_FIELDS,
  type Command,
  type CommandFilter,
  type CommandList,
  DELIVER_MODES,
  MAX_OPEN,
} from './commands.ports.ts';
import { COMMAND_STATES, type CommandState } from './commands.rules.ts';

const DEFAULT_TTL_SECONDS = 3_600;
const MAX_TTL_SECONDS = 604_800;
const MAX_WAIT_SECONDS = 60;

const commandName = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_.:-]{0,63}$',
  'x-accepts': '1 to 64 letters, digits, `_`, `.`, `:` and `-`, a letter first',
  description: 'What the device is to do, in a word that it knows',
  examples: ['reboot'],
});
const commandId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Id of the command, which the device sends back with its answer',
  examples: ['3f0c1c52-7f0b-4a8e-8a35-6cf7b2f9a0de'],
});
const status = Type.Unsafe<CommandState>({
  title: 'CommandStatus',
  type: 'string',
  enum: [...COMMAND_STATES],
  description: 'Where the command stands. The first four are open, the others final',
  examples: ['SUCCEEDED'],
});
const params = Type.Record(Type.String(), Type.Unknown(), {
  description: 'JSON object for the device; 32 KiB and 16 levels at the most',
  examples: [{ delay_seconds: 5 }],
});
const deliver = Type.Enum([...DELIVER_MODES], {
  description:
    '`queue`: waits for the device. `now`: REJECTED unless the device listens. `latest_only`: as `queue`, and takes the ' +
    'place of open commands of the same name that the device has not begun',
  examples: ['queue'],
});
/** Without a `type`, because the compiled serialiser is at its fastest when it knows nothing about the value. */
const anyJson = (description: string, examples: readonly unknown[]) =>
  Type.Unsafe<unknown>({ title: 'JSON', description, examples: [...examples] });

const order = {
  command: commandName,
  params: Type.Optional(params),
  deliver: Type.Optional({ ...deliver, default: 'queue' }),
  ttl_seconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_TTL_SECONDS,
      default: DEFAULT_TTL_SECONDS,
      description: 'Seconds after which it is EXPIRED if it has not ended',
      examples: [600],
    }),
  ),
};

export const CommandBody = Strict('NewCommand', {
  ...order,
  wait_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_WAIT_SECONDS,
      default: 0,
      description: 'Seconds for which the answer waits for the end of the command',
      examples: [10],
    }),
  ),
});

export const CommandBatchBody = Strict('NewCommandBatch', { target: DeviceTargetField, ...order });

export const CommandBatchView = Strict('CommandBatch', {
  batch_id: Type.String({
    description: 'For `GET /api/v1/commands?batch_id=`',
    examples: ['9b2e9a0e-4f5e-4a5c-b0f7-0c1f2b1a6d11'],
  }),
  devices: Type.Integer({ description: 'Devices that it is for, as of now', examples: [120] }),
});

export const CommandView = Strict('Command', {
  id: { ...Id, examples: [41] },
  command_id: commandId,
  device_id: { ...Id, description: 'Device that it is for', examples: [7] },
  device_uid: Type.String({ description: 'The device_uid of that device', examples: ['greenhouse-07'] }),
  command: commandName,
  params: Type.Unsafe<Readonly<Record<string, unknown>>>({
    title: 'JSON object',
    description: 'As it was given',
    examples: [{ delay_seconds: 5 }],
  }),
  deliver,
  status,
  progress: Nullable(Type.Number({ description: 'Percent; null: the device has not said', examples: [40] })),
  result: anyJson('Of its answer; null: none', [{ restarted: true }]),
  error: Nullable(
    Type.String({
      description: 'Of its answer; of a REJECTED one `not_listening` or `too_many_commands`; null: none',
      examples: ['valve is stuck'],
    }),
  ),
  batch_id: Nullable(Type.String({ description: 'Of a command for many devices; null: it was made alone' })),
  created_by: Nullable({ ...Id, description: 'User who made it', examples: [12] }),
  created_at: Instant,
  sent_at: Nullable({
    ...Instant,
    description: 'When it was first handed to a connection; null: not known or not yet',
  }),
  delivered_at: Nullable({ ...Instant, description: 'When the device acknowledged it; null: not known or not yet' }),
  completed_at: Nullable({ ...Instant, description: 'When it ended; null: it is open' }),
  expires_at: Instant,
  history: Type.Array(Strict('CommandTransition', { status, at: Instant }), {
    description: 'Every state that it has been in, in order',
  }),
});

const page = PageOf(CommandView);
export const CommandListView = Strict('CommandList', {
  ...page.properties,
  counts: Type.Object(
    Object.fromEntries(
      COMMAND_STATES.map((state) => [state, Type.Integer({ description: `Of those, ${state}`, examples: [3] })]),
    ) as Record<CommandState, ReturnType<typeof Type.Integer>>,
    {
      title: 'CommandCounts',
      additionalProperties: false,
      description: 'How many match on all pages, by status',
    },
  ),
});

const deviceId = { ...Id, description: 'Id of the device', examples: [7] };
export const DeviceParams = Strict({ device_id: deviceId });
export const DeviceCommandParams = Strict({ device_id: deviceId, command_id: commandId });

const filters = {
  ...pageQuery,
  ...sortQuery(COMMAND_SORT_FIELDS),
  ...searchQuery,
  batch_id: SeveralOf(Type.String({ minLength: 1, maxLength: 64, description: 'Batch that they belong to' })),
  status: SeveralOf(status),
  command: SeveralOf(commandName),
};
export const DeviceCommandsQuery = Strict(filters);
export const CommandsQuery = Strict({
  ...filters,
  device_id: SeveralOf({ ...Id, description: 'Device that they are for', examples: [7] }),
});
export const COMMAND_SORT_HELP = `Newest first unless sorted by ${COMMAND_SORT_FIELDS.join(', ')}. \`q\` looks into command, device_uid and error of the newest 10,000 that match the other filters.`;

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'Any text that you choose for this request. Repeated with it, the request makes nothing and is answered with the ' +
        'command that there is (200)',
      examples: ['7c0a1f0e-reboot'],
    }),
  ),
});

export const PollQuery = Strict({
  wait: Type.Integer({
    minimum: 0,
    maximum: MAX_WAIT_SECONDS,
    default: 0,
    description: 'Seconds for which the answer waits for a command, if there is none',
  }),
});
export const PollView = Strict('DeviceCommands', {
  commands: Type.Array(
    Strict('DeviceCommand', {
      command_id: commandId,
      command: commandName,
      params: Type.Unsafe<Readonly<Record<string, unknown>>>({ title: 'JSON object', description: 'As it was given' }),
      expires_at: { ...Instant, description: 'After this an answer is too late' },
    }),
    { description: `What the device is to do, in this order; ${MAX_OPEN} at the most. Act on each command_id once.` },
  ),
});

export function toOrder(body: Pick<Static<typeof CommandBody>, keyof typeof order>): CommandOrder {
  return {
    command: body.command,
    params: body.params ?? {},
    deliver: body.deliver ?? 'queue',
    ttlSeconds: body.ttl_seconds ?? DEFAULT_TTL_SECONDS,
  };
}

export function toFilter(query: Static<typeof CommandsQuery>): CommandFilter {
  return defined({
    deviceId: query.device_id,
    batchId: query.batch_id,
    status: query.status,
    command: query.command,
    q: query.q,
  });
}

export function presentCommand(command: Command): Static<typeof CommandView> {
  return {
    id: command.id,
    command_id: command.commandId,
    device_id: command.deviceId,
    device_uid: command.deviceUid,
    command: command.command,
    params: command.params,
    deliver: command.deliver,
    status: command.status,
    progress: command.progress,
    result: command.result,
    error: command.error,
    batch_id: command.batchId,
    created_by: command.createdBy,
    created_at: toIso(command.createdAt),
    sent_at: toIsoOrNull(command.sentAt),
    delivered_at: toIsoOrNull(command.deliveredAt),
    completed_at: toIsoOrNull(command.completedAt),
    expires_at: toIso(command.expiresAt),
    history: command.history.map(({ status: state, at }) => ({ status: state, at: toIso(at) })),
  };
}

export function presentList({ counts, items, ...found }: CommandList): Static<typeof CommandListView> {
  const all = Object.fromEntries(COMMAND_STATES.map((state) => [state, counts[state] ?? 0]));
  return { ...found, items: items.map(presentCommand), counts: all as Record<CommandState, number> };
}

export function presentPoll(commands: readonly Command[]): Static<typeof PollView> {
  return { commands: commands.map(toMessage) };
}
