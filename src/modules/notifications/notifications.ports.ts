/** How a notification reaches people. `web` is the list and the live event. */
export const CHANNELS = ['web', 'email', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];
