import { defineErrors } from '#kernel/errors.ts';

export const claimErrors = defineErrors({
  claim_not_found: ['not_found', 'There is no such claim.'],
  claim_invalid: ['invalid', 'The claim is not acceptable.'],
  claim_token_invalid: ['unauthenticated', 'The token is of no claim.'],
  claim_expired: ['forbidden', 'The claim has expired.'],
  claim_revoked: ['forbidden', 'The claim was revoked.'],
  claim_used_up: ['forbidden', 'The claim has made as many devices as it may.'],
  claim_type_refused: ['forbidden', 'This claim is for devices of another device_type.'],
  claim_uid_required: ['invalid', 'This claim is for certain devices: the request has to name its device_uid.'],
  claim_uid_refused: ['forbidden', 'This claim is not for a device of this device_uid.'],
  claim_device_gone: [
    'conflict',
    'The device of this Idempotency-Key was deleted, or has another secret by now; use another key.',
  ],
  claim_key_reused: ['conflict', 'This Idempotency-Key was used for another request.'],
});
