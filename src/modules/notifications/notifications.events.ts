import type { NotificationContent } from './notifications.ports.ts';

declare module '#kernel/events.ts' {
  interface EventMap {
    /** Emitted after the commit, for the live view. The same content for each recipient. */
    'notification.delivered': NotificationDelivered;
  }
}

export interface NotificationDelivered extends NotificationContent {
  readonly recipients: readonly { readonly id: string; readonly user_id: number }[];
  /** Epoch milliseconds. */
  readonly created_at: number;
}
