import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import {
  countOfTarget,
  type DevicesApi,
  type DeviceTarget,
  deviceErrors,
  pageOfTarget,
  presentTarget,
} from '#modules/devices/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { CommandCreation, CommandOrder } from './commands.creation.ts';
import { checkParams } from './commands.params.ts';
import type { CommandStore } from './commands.ports.ts';

/** A batch that its job has not finished after so long gets another one, in milliseconds. */
const UNFINISHED_AFTER_MS = 60_000;
const MAX_UNFINISHED = 100;

export interface CommandBatches {
  /**
   * The same order for many devices; each of them gets its command in the background, page by page.
   * @returns the id of the batch, and how many devices there are now
   * @throws AppError `command_params_invalid`, `device_target_invalid`: no such group
   */
  create(
    principal: Principal,
    target: DeviceTarget,
    order: CommandOrder,
  ): Promise<{ readonly batchId: string; readonly devices: number }>;
  /** Goes on with a batch until it is done or the signal aborts. @returns how many commands it made */
  work(batchId: string, signal: AbortSignal): Promise<number>;
  /** Takes up batches whose jobs were lost. */
  resume(): Promise<void>;
}

export function createCommandBatches({
  store,
  creation,
  devices,
  jobs,
  clock,
  logger,
}: {
  readonly store: CommandStore;
  readonly creation: CommandCreation;
  readonly devices: Pick<DevicesApi, 'describe' | 'listInScope' | 'countInScope' | 'groupExists'>;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly logger: Logger;
}): CommandBatches {
  return {
    async create(principal, target, order) {
      checkParams(order.params);
      if ('groupId' in target && !(await devices.groupExists(target.groupId))) {
        const fields = [{ path: '/target/group_id', message: 'must be a group that exists' }];
        throw deviceErrors.device_target_invalid({ details: { fields } });
      }
      const count = await countOfTarget(devices, target);
      const batchId = createId();
      const createdAt = clock.now();
      const { ttlSeconds, ...rest } = order;
      await store.transaction(async (writer, audit) => {
        await writer.insertBatch({
          ...rest,
          batchId,
          target,
          createdBy: principal.userId,
          createdAt,
          expiresAt: createdAt + ttlSeconds * 1_000,
          afterId: 0,
          isDone: false,
        });
        await audit.record({
          actor: principal,
          action: 'command.batch_created',
          resourceType: 'command_batch',
          resourceId: batchId,
          details: { command: order.command, devices: count, target: presentTarget(target) },
        });
      });
      // It is stored: `resume` finds it, too.
      await jobs
        .enqueue('send_command_batch', { batch_id: batchId }, { id: `command-batch-${batchId}` })
        .catch((error: unknown) =>
          logger.warn({ err: error, batch: batchId }, 'the commands of an order are made later'),
        );
      return { batchId, devices: count };
    },

    async work(batchId, signal) {
      let made = 0;
      for (;;) {
        signal.throwIfAborted();
        const batch = await store.transaction((writer) => writer.findBatch(batchId));
        if (batch === null || batch.isDone) return made;
        const page = await pageOfTarget(devices, batch.target, batch.afterId);
        const last = page.at(-1);
        const inserted = await store.transaction(async (writer) => {
          const now = await writer.findBatch(batchId);
          // Another run of this job was here.
          if (now === null || now.isDone || now.afterId !== batch.afterId) return null;
          await writer.advanceBatch(batchId, last?.deviceId ?? batch.afterId, last === undefined);
          return await creation.insertFor(writer, page, batch);
        });
        if (inserted === null) continue;
        made += inserted.commands.length;
        creation.announce(inserted.commands, inserted.steps);
      }
    },

    async resume() {
      for (const batchId of await store.listUnfinishedBatches(clock.now() - UNFINISHED_AFTER_MS, MAX_UNFINISHED)) {
        // Not with the id of the first job, which may be kept as failed.
        await jobs.enqueue(
          'send_command_batch',
          { batch_id: batchId },
          { id: `command-batch-${batchId}-${clock.now()}` },
        );
      }
    },
  };
}
