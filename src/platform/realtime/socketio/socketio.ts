import type { Server as HttpServer } from 'node:http';
import { type Namespace, Server } from 'socket.io';
import { type Clock, systemClock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Realtime, RealtimeAuthenticator, RealtimeCommand, RealtimeNamespace } from '../realtime.port.ts';
import {
  type AppSocket,
  authenticate,
  note,
  refresh,
  type SocketData,
  serveConnection,
  terminate,
  userRoom,
} from './connection.ts';

export interface SocketIoOptions {
  /** The server that `/socket.io` is added to at `start`. It must outlive this component. */
  readonly httpServer: HttpServer | (() => HttpServer);
  readonly authenticator: RealtimeAuthenticator;
  readonly logger: Logger;
  /** Allowed origins of long-polling requests; empty: same origin only. `*` allows every origin. */
  readonly corsOrigins: readonly string[];
  readonly clock?: Clock;
}

// biome-ignore lint/suspicious/noExplicitAny: events are declared by modules, at run time
type AppNamespace = Namespace<any, any, any, SocketData>;

const MAX_MESSAGE_BYTES = 64 * 1024;
/** From opening a connection to joining a namespace with a token. */
const JOIN_TIMEOUT_MS = 10_000;
/** For a client to take its last messages when the server stops. */
const GOODBYE_MS = 500;

/** Socket.IO 4, WebSocket with long-polling as the way in, on the HTTP server's port. */
export function createSocketIoRealtime(options: SocketIoOptions): Realtime {
  const { authenticator, logger, corsOrigins, clock = systemClock } = options;
  let attached = false;
  let stopping = false;

  // biome-ignore lint/suspicious/noExplicitAny: events are declared by modules, at run time
  const io = new Server<any, any, any, SocketData>({
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: JOIN_TIMEOUT_MS,
    allowRequest: (_request, decide) => decide(stopping ? 'stopping' : null, !stopping),
    cors: { origin: corsOrigins.includes('*') ? '*' : [...corsOrigins] },
  });
  const namespaces: AppNamespace[] = [];

  // Socket.IO itself refuses namespaces that were not declared, and always declares this one.
  io.of('/').use((_socket, next) => next(new Error('Invalid namespace')));

  function declare(name: string, commands: Readonly<Record<string, RealtimeCommand>>): AppNamespace {
    const namespace: AppNamespace = io.of(name);
    const known = new Map(Object.entries(commands));
    namespace.use((socket: AppSocket, next) => {
      authenticate(socket, authenticator).then(
        (data) => {
          socket.data = data;
          next();
        },
        (error: unknown) => next(refusal(note(error, logger))),
      );
    });
    namespace.on('connection', (socket: AppSocket) => serveConnection(socket, known, { authenticator, clock, logger }));
    namespaces.push(namespace);
    return namespace;
  }

  async function evict(
    namespace: AppNamespace,
    room: string,
    mayStay: Parameters<RealtimeNamespace['evict']>[1],
  ): Promise<void> {
    const ids = [...(namespace.adapter.rooms.get(room) ?? [])];
    await Promise.all(
      ids.map(async (id) => {
        const socket = namespace.sockets.get(id);
        if (socket === undefined) return;
        const stays = await refresh(socket, authenticator)
          .then(mayStay)
          .catch((error: unknown) => {
            note(error, logger);
            return false;
          });
        if (!stays) await socket.leave(room);
      }),
    );
  }

  return {
    name: 'realtime',
    async start() {
      stopping = false;
      if (attached) return;
      const { httpServer } = options;
      io.attach(typeof httpServer === 'function' ? httpServer() : httpServer);
      io.engine.on('connection_error', (error: { message: string; code: number }) => {
        logger.debug({ detail: error.message, code: error.code }, 'realtime connection refused');
      });
      attached = true;
    },
    async stop() {
      stopping = true;
      if (!attached) return;
      const connections = new Set(namespaces.flatMap(({ sockets }) => [...sockets.values()].map(({ conn }) => conn)));
      for (const namespace of namespaces) namespace.local.disconnectSockets(true);
      // Not `io.close()`, which would close the HTTP server too.
      io.engine.close();
      // The HTTP server waits for them when it closes.
      setTimeout(() => connections.forEach(terminate), GOODBYE_MS).unref();
    },
    namespace(name, commands) {
      const namespace = declare(name, commands);
      const isThere = (room: string) => namespace.adapter.rooms.has(room);
      return {
        emit(room, event, data) {
          if (typeof room === 'string' ? !isThere(room) : !room.some(isThere)) return;
          namespace.to(typeof room === 'string' ? room : [...room]).emit(event, data);
        },
        hasListeners: isThere,
        evict: (room, mayStay) => evict(namespace, room, mayStay),
      };
    },
    disconnectUser(userId) {
      for (const namespace of namespaces) namespace.local.in(userRoom(userId)).disconnectSockets(true);
    },
    connectionCount: () => (attached ? io.engine.clientsCount : 0),
  };
}

/** Becomes the client's `connect_error`. */
function refusal({ message, code }: { readonly message: string; readonly code: string }): Error {
  return Object.assign(new Error(message), { data: { code, detail: message } });
}
