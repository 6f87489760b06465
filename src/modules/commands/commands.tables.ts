import type { Generated } from 'kysely';
import type { DeliverMode } from './commands.ports.ts';
import type { CommandState } from './commands.rules.ts';

/** The module's tables, for its repository. */
export interface CommandTables {
  commands: CommandsTable;
  command_batches: CommandBatchesTable;
}

export interface CommandsTable {
  id: Generated<number>;
  command_id: string;
  device_id: number;
  device_uid: string;
  command: string;
  params: string;
  deliver: DeliverMode;
  status: CommandState;
  is_open: number;
  progress: number | null;
  result: string | null;
  error: string | null;
  batch_id: string | null;
  idempotency_key: string | null;
  request_hash: string | null;
  history: string;
  sends: number;
  last_sent_at: number | null;
  sent_at: number | null;
  delivered_at: number | null;
  completed_at: number | null;
  expires_at: number;
  created_by: number | null;
  created_at: number;
  updated_at: number;
}

export interface CommandBatchesTable {
  batch_id: string;
  target: string;
  command: string;
  params: string;
  deliver: DeliverMode;
  after_id: number;
  is_done: number;
  expires_at: number;
  created_by: number | null;
  created_at: number;
  updated_at: number;
}
