import type { Socket } from 'socket.io';
import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { type AppError, commonErrors, isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { realtimeErrors } from '../realtime.errors.ts';
import type { RealtimeAuthenticator, RealtimeCommand } from '../realtime.port.ts';
import { createTokenBucket } from './token-bucket.ts';

/** What is known of a connection: kept on `socket.data` by the handshake. */
export interface SocketData {
  readonly token: string;
  readonly userId: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

// biome-ignore lint/suspicious/noExplicitAny: events are declared by modules, at run time
export type AppSocket = Socket<any, any, any, SocketData>;

export interface ConnectionDeps {
  readonly authenticator: RealtimeAuthenticator;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when the other processes know which rooms are open here. */
  announced(): Promise<void>;
}

/** Beside the room of its own that Socket.IO gives every connection, and `user:{id}`. */
const MAX_ROOMS = 1_000;
const OWN_ROOMS = 2;
/** Commands of one connection in one namespace; more are refused. */
const COMMANDS = { perSecond: 50, burst: 100 };
/** What `setTimeout` can count; an expiry beyond that is looked at again then. */
const MAX_TIMER_MS = 2_147_483_647;
const MAX_TOKEN_LENGTH = 8_192;

export function userRoom(userId: number): string {
  return `user:${userId}`;
}

/** The rooms that it joined by commands. */
export function joinedRooms(socket: AppSocket): readonly string[] {
  const own = [socket.id, userRoom(socket.data.userId)];
  return [...socket.rooms].filter((room) => !own.includes(room));
}

/** Checks the handshake's token. @throws AppError `unauthenticated` */
export async function authenticate(socket: AppSocket, authenticator: RealtimeAuthenticator): Promise<SocketData> {
  const token: unknown = socket.handshake.auth['token'];
  if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN_LENGTH) {
    throw commonErrors.authentication_required();
  }
  const { principal, expiresAt } = await authenticator.authenticate(token);
  return { token, userId: principal.userId, expiresAt };
}

/** Sets up a connection that has passed the handshake. */
export function serveConnection(
  socket: AppSocket,
  commands: ReadonlyMap<string, RealtimeCommand>,
  deps: ConnectionDeps,
): void {
  void socket.join(userRoom(socket.data.userId));
  endWhenTokenExpires(socket, deps.clock);
  // Access may have been lost between the handshake's check and now, when nobody could find this connection.
  refresh(socket, deps.authenticator).catch((error) => note(error, deps.logger));

  const withinLimit = createTokenBucket(COMMANDS);
  // Never calls `next`: everything is answered here, and nothing a client sends becomes an event.
  socket.use(([name, ...args]) => {
    const last = args.at(-1);
    const answer = typeof last === 'function' ? (last as (response: object) => void) : null;
    const data: unknown = answer === null || args.length > 1 ? args[0] : undefined;
    const answered = withinLimit() ? run(String(name), data) : Promise.reject(commonErrors.rate_limited());
    answered.then(
      (result) => answer?.({ ...result, ok: true }),
      (error: unknown) => {
        const { code, message } = note(error, deps.logger);
        answer?.({ ok: false, code, detail: message });
      },
    );
  });

  async function run(name: string, data: unknown): Promise<object | undefined> {
    const command = commands.get(name);
    if (command === undefined) throw realtimeErrors.unknown_command();
    const principal = await refresh(socket, deps.authenticator);
    return command({ principal, join, leave: async (room) => socket.leave(room) }, data);
  }

  async function join(room: string): Promise<void> {
    // A connection that has ended meanwhile would stay in the room for ever.
    if (!socket.connected) return;
    if (socket.rooms.size >= MAX_ROOMS + OWN_ROOMS && !socket.rooms.has(room)) throw realtimeErrors.too_many_rooms();
    await socket.join(room);
    // Whoever is told that it watches gets what is emitted from then on, also elsewhere.
    await deps.announced();
  }
}

/** The user as of now. Ends the connection of one who has lost access. @throws AppError */
export async function refresh(socket: AppSocket, authenticator: RealtimeAuthenticator): Promise<Principal> {
  try {
    return await authenticator.refresh(socket.data.token);
  } catch (error) {
    if (isAppError(error) && error.kind === 'unauthenticated') {
      // After the answer to a command has left.
      setImmediate(() => socket.disconnect(true));
    }
    throw error;
  }
}

/** What a client may know of an error; a bug is logged whole. */
export function note(error: unknown, logger: Logger): AppError {
  if (isAppError(error)) return error;
  logger.error({ err: error }, 'realtime command failed');
  return commonErrors.internal_error();
}

function endWhenTokenExpires(socket: AppSocket, clock: Clock): void {
  let timer: NodeJS.Timeout;
  function arm(): void {
    const left = socket.data.expiresAt - clock.now();
    if (left <= 0) socket.disconnect(true);
    else timer = setTimeout(arm, Math.min(left, MAX_TIMER_MS));
  }
  socket.once('disconnect', () => clearTimeout(timer));
  arm();
}

/** Ends a connection without waiting for a peer that may not read: a WebSocket would get 30 s to answer. */
export function terminate(conn: AppSocket['conn']): void {
  conn.close(true);
  const { socket } = conn.transport as unknown as { readonly socket?: { terminate?(): void } };
  socket?.terminate?.();
}
