import type { Server as HttpServer } from 'node:http';
import { type Namespace, Server } from 'socket.io';
import { type Clock, systemClock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Realtime, RealtimeAuthenticator, RealtimeCommand, RealtimeNamespace } from '../realtime.port.ts';
import {
  type AppSocket,
  authenticate,
  joinedRooms,
  note,
  refresh,
  type SocketData,
  serveConnection,
  terminate,
  userRoom,
} from './connection.ts';
import type { FanOut } from './fan-out.ts';

export interface SocketIoOptions {
  /**
   * The server that `/socket.io` is added to at `start`. It must outlive this component. Null: nobody connects to
   * this process, and it still has to be started for what it emits to reach the others.
   */
  readonly httpServer: HttpServer | (() => HttpServer) | null;
  readonly authenticator: RealtimeAuthenticator;
  readonly logger: Logger;
  /** Allowed origins of long-polling requests; empty: same origin only. `*` allows every origin. */
  readonly corsOrigins: readonly string[];
  readonly clock?: Clock;
  /** Joins this server with those of other processes; started and stopped with it. None: there is one process. */
  readonly fanOut?: FanOut | null;
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
  const { authenticator, logger, corsOrigins, clock = systemClock, fanOut = null } = options;
  let attached = false;
  let joined = false;
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
    const announced = fanOut === null ? async () => {} : fanOut.rooms.announced;
    namespace.on('connection', (socket: AppSocket) =>
      serveConnection(socket, known, { authenticator, clock, logger, announced }),
    );
    namespaces.push(namespace);
    return namespace;
  }

  /** Nobody is connected yet: the adapters are replaced. */
  function join({ createAdapter, rooms }: FanOut): void {
    io.adapter(createAdapter);
    for (const { name, adapter, sockets } of namespaces) {
      // Socket.IO gives every connection a room of its own, which nobody else speaks to.
      adapter.on('create-room', (room: string) => {
        if (!sockets.has(room)) rooms.opened(name, room);
      });
      adapter.on('delete-room', (room: string) => {
        if (!sockets.has(room)) rooms.closed(name, room);
      });
    }
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
        const stays = await refresh(socket, authenticator).then(mayStay).catch(refused);
        if (!stays) await socket.leave(room);
      }),
    );
  }

  /** One connection after the other: there may be thousands, and nobody waits for it. */
  async function recheck(namespace: AppNamespace, mayStay: Parameters<RealtimeNamespace['recheck']>[0]): Promise<void> {
    for (const socket of [...namespace.sockets.values()]) {
      const principal = await refresh(socket, authenticator).catch((error: unknown) => {
        note(error, logger);
        return null;
      });
      for (const room of joinedRooms(socket)) {
        const stays = principal !== null && (await mayStay(principal, room).catch(refused));
        if (!stays) await socket.leave(room);
      }
    }
  }

  function refused(error: unknown): boolean {
    note(error, logger);
    return false;
  }

  function endConnections(): void {
    const connections = new Set(namespaces.flatMap(({ sockets }) => [...sockets.values()].map(({ conn }) => conn)));
    for (const namespace of namespaces) namespace.local.disconnectSockets(true);
    // Not `io.close()`, which would close the HTTP server too.
    io.engine.close();
    // The HTTP server waits for them when it closes.
    setTimeout(() => connections.forEach(terminate), GOODBYE_MS).unref();
  }

  return {
    name: 'realtime',
    async start(signal) {
      stopping = false;
      await fanOut?.start(signal);
      if (fanOut !== null && !joined) join(fanOut);
      joined = true;
      const { httpServer } = options;
      if (attached || httpServer === null) return;
      io.attach(typeof httpServer === 'function' ? httpServer() : httpServer);
      io.engine.on('connection_error', (error: { message: string; code: number }) => {
        logger.debug({ detail: error.message, code: error.code }, 'realtime connection refused');
      });
      attached = true;
    },
    async stop() {
      stopping = true;
      if (attached) endConnections();
      await fanOut?.stop();
    },
    namespace(name, commands) {
      const namespace = declare(name, commands);
      const isHere = (room: string) => namespace.adapter.rooms.has(room);
      const isElsewhere = (room: string) => fanOut?.rooms.mayBeOpenElsewhere(name, room) === true;
      return {
        emit(room, event, data) {
          const rooms = typeof room === 'string' ? [room] : [...room];
          if (fanOut?.isReady() === true && rooms.some(isElsewhere)) namespace.to(rooms).emit(event, data);
          else if (rooms.some(isHere)) namespace.local.to(rooms).emit(event, data);
        },
        hasListeners: (room) => isHere(room) || isElsewhere(room),
        evict: (room, mayStay) => evict(namespace, room, mayStay),
        recheck: (mayStay) => recheck(namespace, mayStay),
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
