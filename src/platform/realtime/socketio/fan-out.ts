import type { Namespace } from 'socket.io';
import type { RoomDirectory } from './room-directory.ts';

/** Joins the Socket.IO servers of several processes, so that an emit in one reaches the rooms of all. */
export interface FanOut {
  /** Socket.IO's adapter of a namespace; to be used after `start`. */
  readonly createAdapter: (namespace: Namespace) => Namespace['adapter'];
  readonly rooms: RoomDirectory;
  /** False: an emit would not leave this process. */
  isReady(): boolean;
  /** @throws AppError `unavailable` */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
