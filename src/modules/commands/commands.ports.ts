import type { OneOrMore, Page, PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { DeviceTarget } from '#modules/devices/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { SqlDurability } from '#platform/sql/sql.port.ts';
import type { CommandState } from './commands.rules.ts';

/** What a device may have open at a time. */
export const MAX_OPEN = 100;
/**
 * How often a command is handed to a device that acknowledges it and never answers. Each further time takes a new connection, so
 * a command that makes its device restart does not make it restart for ever. One that the device may not have is sent until its
 * time is over.
 */
export const MAX_SENDS = 5;

export const DELIVER_MODES = ['queue', 'now', 'latest_only'] as const;
/** `queue`: waits for the device. `now`: at once or not at all. `latest_only`: takes the place of older ones of its name. */
export type DeliverMode = (typeof DELIVER_MODES)[number];

export interface Transition {
  readonly status: CommandState;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A command as stored. Instants are epoch milliseconds. */
export interface Command {
  readonly id: number;
  /** Random; what the device sends back. */
  readonly commandId: string;
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly deliver: DeliverMode;
  readonly status: CommandState;
  /** Percent; null: the device has not said. */
  readonly progress: number | null;
  /** Any JSON, of its response. */
  readonly result: unknown;
  /** Of its response, or why it was rejected. */
  readonly error: string | null;
  readonly batchId: string | null;
  /** Null: by the system. */
  readonly createdBy: number | null;
  readonly createdAt: number;
  readonly sentAt: number | null;
  readonly deliveredAt: number | null;
  readonly completedAt: number | null;
  readonly expiresAt: number;
  /** How often it was handed over. */
  readonly sends: number;
  readonly lastSentAt: number | null;
  /** Every state that it has been in, in order. */
  readonly history: readonly Transition[];
}

export interface NewCommand {
  readonly commandId: string;
  readonly deviceId: number;
  readonly deviceUid: string;
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly deliver: DeliverMode;
  readonly status: 'QUEUED' | 'REJECTED';
  readonly error: string | null;
  readonly batchId: string | null;
  readonly createdBy: number | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly idempotency: Idempotency | null;
}

/** A request that may be repeated, by hashes: of who and which key, and of what is asked. */
export interface Idempotency {
  readonly key: string;
  readonly request: string;
}

/** What changes of a command; an absent field stays. */
export type CommandUpdate = Partial<
  Pick<
    Command,
    | 'status'
    | 'progress'
    | 'result'
    | 'error'
    | 'sentAt'
    | 'deliveredAt'
    | 'completedAt'
    | 'history'
    | 'sends'
    | 'lastSentAt'
  >
>;

export const COMMAND_SORT_FIELDS = ['id', 'created_at', 'completed_at', 'command', 'status'] as const;
export type CommandSortField = (typeof COMMAND_SORT_FIELDS)[number];

/** Every given field must match. */
export interface CommandFilter {
  readonly deviceId?: OneOrMore<number>;
  readonly batchId?: OneOrMore<string>;
  readonly status?: OneOrMore<CommandState>;
  readonly command?: OneOrMore<string>;
  /** Contained in command, device_uid or error, whatever the case: of the newest 10,000 that match the rest. */
  readonly q?: string;
}

export interface CommandListQuery extends Omit<PageQuery, 'sort'> {
  readonly filter: CommandFilter;
  /** Ties are broken by id, newest first. */
  readonly sort: readonly SortTerm<CommandSortField>[];
}

export interface CommandList extends Page<Command> {
  /** How many match on all pages; a state that none is in is left out. */
  readonly counts: Readonly<Partial<Record<CommandState, number>>>;
}

export interface CommandReader {
  findById(commandId: string): Promise<Command | null>;
  findMany(commandIds: readonly string[]): Promise<readonly Command[]>;
  /** Not ended, in the order of their creation; 100 at the most. */
  listOpen(deviceId: number): Promise<readonly Command[]>;
}

export interface CommandWriter extends CommandReader {
  /** @returns them as stored, in the order given */
  insert(commands: readonly NewCommand[]): Promise<readonly Command[]>;
  findByKey(key: string): Promise<{ readonly command: Command; readonly request: string } | null>;
  countOpen(deviceId: number): Promise<number>;
  /** Device id → how many it has open; one without any is left out. */
  countOpenOf(deviceIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** @param command as it was read in this transaction */
  update(command: Command, changes: CommandUpdate, at: number): Promise<Command>;
  /** Open ones of this name, of all these devices. */
  listOpenNamed(deviceIds: readonly number[], command: string): Promise<readonly Command[]>;
  /** Open ones that are past their time, by that time, `limit` at the most. */
  listExpired(at: number, limit: number): Promise<readonly Command[]>;
  insertBatch(batch: CommandBatch): Promise<void>;
  findBatch(batchId: string): Promise<CommandBatch | null>;
  /** @param isDone there are no devices behind `afterId` */
  advanceBatch(batchId: string, afterId: number, isDone: boolean): Promise<void>;
}

/** The same command for many devices, worked off by id of the device. */
export interface CommandBatch {
  readonly batchId: string;
  readonly target: DeviceTarget;
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly deliver: DeliverMode;
  readonly createdBy: number | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The last device that has its command. */
  readonly afterId: number;
  readonly isDone: boolean;
}

export interface CommandStore extends CommandReader {
  list(query: CommandListQuery): Promise<{ readonly items: readonly Command[]; readonly total: number }>;
  /** State → how many match; one that none is in is left out. */
  countByState(filter: CommandFilter): Promise<Readonly<Partial<Record<CommandState, number>>>>;
  /** Devices with QUEUED commands that were made at or after `since`, by id behind `afterId`, `limit` at the most. */
  listWaiting(
    since: number,
    afterId: number,
    limit: number,
  ): Promise<readonly { readonly deviceId: number; readonly deviceUid: string }[]>;
  /** When the next open one is past its time, epoch milliseconds; null: none is open. */
  nextExpiry(): Promise<number | null>;
  /** Batches that were made before, and are not done. */
  listUnfinishedBatches(before: number, limit: number): Promise<readonly string[]>;
  /** Removes ended ones that were made before, and their batches, `limit` at the most. @returns how many */
  removeEndedBefore(before: number, limit: number): Promise<number>;
  /** All of `work` or nothing; on disk when it resolves, unless it is said otherwise. `work` awaits nothing but the writers, and may be repeated. */
  transaction<T>(
    work: (writer: CommandWriter, audit: AuditWriter) => Promise<T>,
    durability?: SqlDurability,
  ): Promise<T>;
}
