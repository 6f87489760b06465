import { defineErrors } from '#kernel/errors.ts';

export const realtimeErrors = defineErrors({
  unknown_command: ['not_found', 'There is no such command here.'],
  too_many_rooms: ['limited', 'This connection watches as much as one connection may.'],
  too_many_connections: [
    'limited',
    'You have as many live connections as one user may have. Close one, then connect again.',
  ],
});
