import { Type } from 'typebox';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { WebhookMessage, WebhookSender } from './webhook.port.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    /** Calls one webhook. Whoever enqueues it gives it an id, so that the same call is not made twice. */
    send_webhook: WebhookMessage & { readonly endpoint: string };
  }
}

/** With exponential back-off over several hours: a receiver that is being mended takes it in the end. */
const ATTEMPTS = 12;

const SendWebhook = Type.Object(
  {
    endpoint: Type.String({ minLength: 1, maxLength: 200, description: 'Name of an address of WEBHOOK_URL' }),
    id: Type.String({ minLength: 1, maxLength: 200, description: 'Receivers tell by it that they have had it' }),
    body: Type.Record(Type.String(), Type.Unknown(), { description: 'What is sent, as JSON' }),
  },
  { additionalProperties: false },
);

export function createWebhookJobs(webhooks: WebhookSender): readonly JobDefinition[] {
  const sendWebhook: JobDefinition<'send_webhook'> = {
    name: 'send_webhook',
    queue: 'notifications',
    description: 'Calls one address of WEBHOOK_URL, signed.',
    attempts: ATTEMPTS,
    dataSchema: SendWebhook,
    run: ({ endpoint, id, body }, { signal }) => webhooks.send(endpoint, { id, body }, signal),
  };
  return [sendWebhook];
}
