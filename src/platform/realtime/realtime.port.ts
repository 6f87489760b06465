import type { Principal } from '#kernel/access.ts';
import type { Component } from '#kernel/lifecycle.ts';

/**
 * Live connections of people (Socket.IO). A namespace refuses a connection without a valid access token
 * (`connect_error` with `data: {code, detail}`); so does one that was not declared (`Invalid namespace`). When
 * the token expires or the user loses access, the server disconnects; the client gets a new token and connects
 * again. Whoever has access and is cut all the same, by `stop` or because the user cannot be looked up now, only
 * loses the connection: a client comes back by itself then. So does one that takes more than a connection may.
 */
export interface Realtime extends Component {
  /**
   * Declares a namespace such as `/monitoring`, before `start`. Every connection is in the room `user:{id}`
   * from the beginning. Commands are answered `{ok: true, ...}` or `{ok: false, code, detail}`; each connection
   * may send a bounded number of them a second and be in a bounded number of rooms.
   * @param mayStay for `recheck`: whether a user may be in a room that it joined by a command; absent: always
   */
  namespace(name: string, commands: Readonly<Record<string, RealtimeCommand>>, mayStay?: MayStay): RealtimeNamespace;
  /** Ends every connection of a user in this process, e.g. when the account was deactivated. */
  disconnectUser(userId: number): void;
  /** Ends those connections of a user in this process whose token counts no more, e.g. of a session that was ended. */
  recheckUser(userId: number): Promise<void>;
  /**
   * Looks at every connection of this process: ends it when its user has no access any more, and removes it from the
   * rooms that it may not be in, also where that cannot be told. For after something that would have led to an `evict`
   * or a `disconnectUser` may have been missed. It happens every minute too, because a process that is killed between a
   * change and telling of it misses nobody; where something cannot be told then, it stays until the next time.
   */
  recheck(): Promise<void>;
  /** Connections in this process, for the metrics. */
  connectionCount(): number;
}

export interface RealtimeNamespace {
  /** Sends once to everyone in any of the rooms, in every process. Costs a lookup a room when nobody is there. */
  emit(rooms: string | readonly string[], event: string, data: object): void;
  /**
   * Whether a room might have listeners; false only when it certainly has none in any process. Another process
   * knows of the first one in a room a few milliseconds after that one was let in.
   */
  hasListeners(room: string): boolean;
  /**
   * Removes from `room` every connection of this process whose user `mayStay` refuses; also where `mayStay` throws.
   * A connection whose user has no access at all any more is ended.
   */
  evict(room: string, mayStay: (principal: Principal) => Promise<boolean>): Promise<void>;
}

export type MayStay = (principal: Principal, room: string) => Promise<boolean>;

/**
 * @param data whatever the client sent: to be checked
 * @throws AppError → `{ok: false, code, detail}`; anything else is logged and answered as `internal_error`
 */
export type RealtimeCommand = (connection: RealtimeConnection, data: unknown) => Promise<object | undefined>;

export interface RealtimeConnection {
  /** The user as of now: resolved afresh, so that a changed role counts at once. */
  readonly principal: Principal;
  /** @throws AppError `too_many_rooms` */
  join(room: string): Promise<void>;
  leave(room: string): Promise<void>;
}

/** Checks the handshake's token. */
export interface RealtimeAuthenticator {
  /**
   * @returns the user, and when the token expires (epoch ms)
   * @throws AppError `unauthenticated`
   */
  authenticate(token: string): Promise<{ readonly principal: Principal; readonly expiresAt: number }>;
  /** Re-checks a connected user. @throws AppError `unauthenticated` */
  refresh(token: string): Promise<Principal>;
}
