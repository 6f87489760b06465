import { defineErrors } from '#kernel/errors.ts';

export const authorityErrors = defineErrors({
  ca_not_found: ['not_found', 'There is no such certificate authority.'],
  ca_registered: ['conflict', 'This certificate authority is registered.'],
  ca_is_own: ['conflict', 'This authority is the installation itself: revoke its certificates one by one.'],
  ca_limit_reached: ['conflict', 'There are as many certificate authorities as there may be.'],
  ca_invalid: ['invalid', 'This is not the certificate of an authority that is valid now.'],
  ca_proof_invalid: ['invalid', 'The verification certificate does not prove that you have the key of the authority.'],
});
