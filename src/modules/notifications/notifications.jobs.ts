import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { Broadcasts } from './broadcasts.service.ts';
import type { BulkNotification, PushNotification } from './notifications.ports.ts';
import type { Push } from './push.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** Whoever enqueues it gives the job an id made of the key, so that it is made once. */
    push_notification: PushNotification;
    bulk_notification: BulkNotification;
  }
}

export function createNotificationsJobs(push: Push, broadcasts: Broadcasts): readonly JobDefinition[] {
  const pushNotification: JobDefinition<'push_notification'> = {
    name: 'push_notification',
    queue: 'notifications',
    description: 'Tells some users of one thing, on the web, by e-mail and by webhook.',
    run: (notification) => push.push(notification),
  };
  const bulkNotification: JobDefinition<'bulk_notification'> = {
    name: 'bulk_notification',
    queue: 'notifications',
    description: 'Tells the next 500 users of a broadcast and makes the job for those after them.',
    run: (broadcast) => broadcasts.step(broadcast),
  };
  return [pushNotification, bulkNotification];
}
