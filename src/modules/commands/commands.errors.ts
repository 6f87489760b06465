import { defineErrors } from '#kernel/errors.ts';

export const commandErrors = defineErrors({
  command_not_found: ['not_found', 'There is no such command for this device.'],
  command_params_invalid: ['invalid', 'The parameters of the command are not acceptable.'],
  command_ended: ['conflict', 'The command has ended already.'],
  too_many_commands: ['conflict', 'The device has 100 open commands; wait until some end, or cancel them.'],
  idempotency_key_reused: ['conflict', 'This Idempotency-Key was used for another request.'],
  too_many_waiting: ['limited', 'Too many requests wait for commands.'],
});
