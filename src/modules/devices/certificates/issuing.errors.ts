import { defineErrors } from '#kernel/errors.ts';

export const issuingErrors = defineErrors({
  csr_name_refused: ['invalid', 'The certificate request names something else than the device_uid.'],
  certificate_limit_reached: ['limited', 'The device has been issued 10 certificates within a day.'],
});
