import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { CommandBatches } from './commands.batches.ts';
import type { CommandExpiry } from './commands.expiry.ts';
import type { CommandSweep } from './commands.sweep.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    expire_commands: Record<string, never>;
    send_command_batch: { readonly batch_id: string };
  }
}

export function createCommandsJobs(
  expiry: CommandExpiry,
  batches: CommandBatches,
  sweep: CommandSweep,
): readonly JobDefinition[] {
  const expireCommands: JobDefinition<'expire_commands'> = {
    name: 'expire_commands',
    queue: 'devices',
    description: 'Ends commands whose time is over, and takes up those that a process left behind.',
    schedule: '* * * * *',
    defaultData: {},
    async run(_, { signal }) {
      const expired = await expiry.run();
      await batches.resume();
      await sweep.recent(signal);
      return { expired };
    },
  };
  const sendBatch: JobDefinition<'send_command_batch'> = {
    name: 'send_command_batch',
    queue: 'devices',
    description: 'Makes the commands of one order for many devices.',
    isInternal: true,
    run: async ({ batch_id }, { signal }) => ({ commands: await batches.work(batch_id, signal) }),
  };
  return [expireCommands, sendBatch];
}
