import { Type } from 'typebox';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { Broadcasts } from './broadcasts.service.ts';
import { type BulkNotification, CHANNELS, type PushNotification } from './notifications.ports.ts';
import type { Push } from './push.service.ts';
import type { DueSummary, Summaries } from './summaries/summaries.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** Whoever enqueues it gives the job an id made of the key, so that it is made once. */
    push_notification: PushNotification;
    bulk_notification: BulkNotification;
    send_mail_summary: DueSummary;
  }
}

const PushData = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'What it is about: with the same key nobody is told twice',
    }),
    user_ids: Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 1_000, description: 'Ids of users' }),
    management: Type.Boolean({ default: false, description: 'Also every active SUPERADMIN, ADMIN and MANAGER' }),
    type: Type.String({ minLength: 1, maxLength: 64, description: 'Kind, in snake_case', examples: ['maintenance'] }),
    title: Type.String({ minLength: 1, maxLength: 200, description: 'One line; the subject of an e-mail' }),
    message: Type.String({ minLength: 1, maxLength: 4_000, description: 'What it says' }),
    data: Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'For programs' }),
    channels: Type.Array(Type.Enum([...CHANNELS]), { minItems: 1, uniqueItems: true, description: 'Ways to tell' }),
  },
  { additionalProperties: false },
);

export function createNotificationsJobs(
  push: Push,
  broadcasts: Broadcasts,
  summaries: Pick<Summaries, 'send'>,
): readonly JobDefinition[] {
  const pushNotification: JobDefinition<'push_notification'> = {
    name: 'push_notification',
    queue: 'notifications',
    description: 'Tells some users of one thing, on the web, by e-mail and by webhook.',
    dataSchema: PushData,
    run: (notification) => push.push(notification),
  };
  const bulkNotification: JobDefinition<'bulk_notification'> = {
    name: 'bulk_notification',
    queue: 'notifications',
    description: 'Tells the next 500 users of a broadcast and makes the job for those after them.',
    // It says who sent it: people use `POST /notifications/broadcast`, which knows.
    isInternal: true,
    run: (broadcast) => broadcasts.step(broadcast),
  };
  const sendMailSummary: JobDefinition<'send_mail_summary'> = {
    name: 'send_mail_summary',
    queue: 'notifications',
    description: 'Makes one e-mail of what one user is to be told about one topic.',
    isInternal: true,
    run: async (due) => ({ sent: await summaries.send(due) }),
  };
  return [pushNotification, bulkNotification, sendMailSummary];
}
