import { defineErrors } from '#kernel/errors.ts';

export const webhookErrors = defineErrors({
  webhook_failed: ['unavailable', 'The webhook could not be called, or did not answer 2xx.'],
  webhook_gone: ['conflict', 'The webhook answers 410 Gone: it wants no more.'],
  webhook_address_refused: ['forbidden', 'The webhook leads to an address that is not public.'],
  webhook_endpoint_removed: ['not_found', 'This webhook is not configured any more.'],
});
