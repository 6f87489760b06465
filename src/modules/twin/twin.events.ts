export interface ConfigChanged {
  readonly device_id: number;
  readonly device_uid: string;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    /** The device has to have another configuration, which is on disk. */
    'config.changed': ConfigChanged;
  }
}
