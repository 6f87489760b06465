import type { Command } from './commands.ports.ts';

interface CommandEvent {
  readonly device_id: number;
  readonly device_uid: string;
}

export interface CommandChanged {
  readonly command: Command;
  /** By the device, with this change. */
  readonly said: 'progress' | 'success' | 'error' | null;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    /** Something waits for the device. */
    'command.queued': CommandEvent;
    /** Once for each transition and each progress, after it is on disk, in the process that made it. */
    'command.changed': CommandChanged;
    /** For those who wait in another process. */
    'command.ended': CommandEvent & { readonly command_id: string };
  }
}
