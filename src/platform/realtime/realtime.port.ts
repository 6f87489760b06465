import type { Principal } from '#kernel/access.ts';
import type { Component } from '#kernel/lifecycle.ts';

/**
 * Live connections of people (Socket.IO). A namespace refuses a connection without a valid access token,
 * and ends it when the token expires or the user loses access.
 */
export interface Realtime extends Component {
  /** Declares a namespace, before `start`. Commands are answered `{ok: true, ...}` or `{ok: false, code, detail}`. */
  namespace(name: string, commands: Readonly<Record<string, RealtimeCommand>>): RealtimeNamespace;
  /** Ends every connection of a user in this process, e.g. when the account was deactivated. */
  disconnectUser(userId: number): void;
  /** Connections in this process, for the metrics. */
  connectionCount(): number;
}

export interface RealtimeNamespace {
  /** Sends once to everyone in any of the rooms, in every process. Costs a lookup a room when nobody is there. */
  emit(rooms: string | readonly string[], event: string, data: object): void;
  /** Whether a room might have listeners; false only when it certainly has none in any process. */
  hasListeners(room: string): boolean;
  /** Removes from `room` every connection whose user `mayStay` refuses. */
  evict(room: string, mayStay: (principal: Principal) => Promise<boolean>): Promise<void>;
}

/** @throws AppError → `{ok: false, code, detail}` */
export type RealtimeCommand = (connection: RealtimeConnection, data: unknown) => Promise<object | undefined>;

export interface RealtimeConnection {
  /** The user as of now: resolved afresh, so that a changed role counts at once. */
  readonly principal: Principal;
  join(room: string): Promise<void>;
  leave(room: string): Promise<void>;
}

/** Checks the handshake's token. */
export interface RealtimeAuthenticator {
  /** @throws AppError `unauthenticated` */
  authenticate(token: string): Promise<{ readonly principal: Principal; readonly expiresAt: number }>;
  /** Re-checks a connected user. @throws AppError `unauthenticated` */
  refresh(token: string): Promise<Principal>;
}
