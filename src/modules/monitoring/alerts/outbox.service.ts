import type { Logger } from '#kernel/logger.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { OutboxStore } from './evaluation.ports.ts';
import type { AlertNotification } from './messages.ts';

/**
 * Makes jobs of the notifications that were stored with their alerts. A crash in between makes a job twice at the most,
 * under one id; it loses none.
 */
export interface Outbox {
  /** Never rejects: what could not be handed over stays for the next time. */
  flush(): Promise<void>;
}

const PAGE = 100;

export function createOutbox({
  store,
  jobs,
  logger,
}: {
  readonly store: OutboxStore<AlertNotification>;
  readonly jobs: JobQueue;
  readonly logger: Logger;
}): Outbox {
  let flushing: Promise<void> | undefined;
  let again = false;

  async function handOver(): Promise<void> {
    try {
      for (;;) {
        const rows = await store.oldest(PAGE);
        for (const { id, notification } of rows) {
          await jobs.enqueue('push_notification', notification, { id: notification.key });
          await store.remove(id);
        }
        if (rows.length < PAGE) break;
      }
    } catch (error) {
      logger.warn({ err: error }, 'notifications of alerts could not be handed over; they are kept');
    }
  }

  return {
    async flush() {
      if (flushing !== undefined) {
        again = true;
        return await flushing;
      }
      flushing = (async () => {
        do {
          again = false;
          await handOver();
        } while (again);
      })().finally(() => {
        flushing = undefined;
      });
      return await flushing;
    },
  };
}
