import type { Server as HttpServer } from 'node:http';
import { type Namespace, Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { type Clock, systemClock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MayStay, Realtime, RealtimeAuthenticator, RealtimeCommand, RealtimeNamespace } from '../realtime.port.ts';
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
import { type Connection, createConnectionLimits } from './connection-limits.ts';
import type { FanOut } from './fan-out.ts';

export interface SocketIoOptions {
  readonly authenticator: RealtimeAuthenticator;
  readonly logger: Logger;
  /** Allowed origins of long-polling requests; empty: same origin only. `*` allows every origin. */
  readonly corsOrigins: readonly string[];
  readonly clock?: Clock;
  /** Joins this server with those of other processes; started and stopped with it. None: there is one process. */
  readonly fanOut?: FanOut | null;
  /** Default: a minute. */
  readonly recheckEveryMs?: number;
}

export interface SocketIoRealtime extends Realtime {
  /**
   * Names the server that `/socket.io` is added to, before `start`. It must outlive this component. Without it nobody
   * connects to this process, and it still has to be started for what it emits to reach the others.
   */
  attachTo(httpServer: HttpServer): void;
}

// biome-ignore lint/suspicious/noExplicitAny: events are declared by modules, at run time
type AppNamespace = Namespace<any, any, any, SocketData>;

const MAX_MESSAGE_BYTES = 64 * 1024;
/** From opening a connection to joining a namespace with a token. */
const JOIN_TIMEOUT_MS = 10_000;
const RECHECK_EVERY_MS = 60_000;
/** For a client to take its last messages when the server stops. */
const GOODBYE_MS = 500;

/** Socket.IO 4, WebSocket with long-polling as the way in, on the HTTP server's port. */
export function createSocketIoRealtime(options: SocketIoOptions): SocketIoRealtime {
  const { authenticator, logger, corsOrigins, clock = systemClock, fanOut = null } = options;
  const { recheckEveryMs = RECHECK_EVERY_MS } = options;
  let server: HttpServer | null = null;
  let attached = false;
  let joined = false;
  let stopping = false;
  const limits = createConnectionLimits(logger);

  // biome-ignore lint/suspicious/noExplicitAny: events are declared by modules, at run time
  const io = new Server<any, any, any, SocketData>({
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: JOIN_TIMEOUT_MS,
    // Engine.IO brings an older one, which queues an answer to every ping of a client that does not read.
    wsEngine: WebSocketServer,
    allowRequest: (_request, decide) => {
      const refusal = stopping ? 'stopping' : limits.hasRoom() ? null : 'too many connections';
      decide(refusal, refusal === null);
    },
    cors: { origin: corsOrigins.includes('*') ? '*' : [...corsOrigins] },
  });
  const namespaces: AppNamespace[] = [];
  const mayStayIn = new Map<AppNamespace, MayStay>();
  let rechecking: NodeJS.Timeout | undefined;
  let isRechecking = false;

  // Socket.IO itself refuses namespaces that were not declared, and always declares this one.
  io.of('/').use((_socket, next) => next(new Error('Invalid namespace')));

  function declare(name: string, commands: Readonly<Record<string, RealtimeCommand>>): AppNamespace {
    const namespace: AppNamespace = io.of(name);
    const known = new Map(Object.entries(commands));
    namespace.use((socket: AppSocket, next) => {
      const { conn } = socket;
      if (!limits.ask(conn, name)) return;
      enter(socket)
        .then(
          () => next(),
          (error: unknown) => {
            // A client that is refused stays away; this one comes back by itself.
            if (isAppError(error) && error.kind === 'unavailable') conn.close();
            else next(refusal(note(error, logger)));
          },
        )
        .finally(() => limits.answered(conn, name));
    });
    const announced = fanOut === null ? async () => {} : fanOut.rooms.announced;
    namespace.on('connection', (socket: AppSocket) =>
      serveConnection(socket, known, { authenticator, clock, logger, announced }),
    );
    namespaces.push(namespace);
    return namespace;
  }

  async function enter(socket: AppSocket): Promise<void> {
    const data = await authenticate(socket, authenticator);
    limits.takeSeat(socket.conn, data.userId);
    socket.data = data;
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
  async function recheck(inDoubt: 'leave' | 'stay'): Promise<void> {
    for (const namespace of namespaces) {
      const mayStay = mayStayIn.get(namespace) ?? (async () => true);
      for (const socket of [...namespace.sockets.values()]) await recheckOne(socket, mayStay, inDoubt);
    }
  }

  async function recheckOne(socket: AppSocket, mayStay: MayStay, inDoubt: 'leave' | 'stay'): Promise<void> {
    const staysInDoubt = (error: unknown) => {
      refused(error);
      return inDoubt === 'stay';
    };
    const principal = await refresh(socket, authenticator).catch((error: unknown) => {
      note(error, logger);
      return isAppError(error) && error.kind === 'unauthenticated' ? 'nobody' : 'unknown';
    });
    if (principal === 'unknown' && inDoubt === 'stay') return;
    for (const room of joinedRooms(socket)) {
      const stays = typeof principal !== 'string' && (await mayStay(principal, room).catch(staysInDoubt));
      if (!stays) await socket.leave(room);
    }
  }

  async function recheckNowAndThen(): Promise<void> {
    if (isRechecking) return;
    isRechecking = true;
    try {
      await recheck('stay');
    } finally {
      isRechecking = false;
    }
  }

  function refused(error: unknown): boolean {
    note(error, logger);
    return false;
  }

  /**
   * Closes the transports and says no more: to a client, a `disconnect` of the server means that it shall stay away,
   * and a connection that was lost that it shall come back.
   */
  function endConnections(): void {
    // Not `io.close()`, which would close the HTTP server too.
    const { clients } = io.engine as unknown as { readonly clients: Readonly<Record<string, Connection>> };
    const connections = Object.values(clients);
    for (const connection of connections) {
      // A client in the middle of changing its transport would wait on the one that it has left.
      if (connection.upgrading) connection.once('upgrade', () => close(connection));
      else close(connection);
    }
    // The HTTP server waits for them when it closes.
    setTimeout(() => connections.forEach(terminate), GOODBYE_MS).unref();
  }

  return {
    name: 'realtime',
    attachTo(httpServer) {
      server = httpServer;
    },
    async start(signal) {
      stopping = false;
      await fanOut?.start(signal);
      if (fanOut !== null && !joined) join(fanOut);
      joined = true;
      clearInterval(rechecking);
      rechecking = setInterval(() => recheckNowAndThen().catch(refused), recheckEveryMs).unref();
      if (attached || server === null) return;
      io.attach(server);
      io.engine.on('connection', limits.watch);
      io.engine.on('connection_error', (error: { message: string; code: number }) => {
        logger.debug({ detail: error.message, code: error.code }, 'realtime connection refused');
      });
      attached = true;
    },
    async stop() {
      stopping = true;
      clearInterval(rechecking);
      if (attached) endConnections();
      await fanOut?.stop();
    },
    namespace(name, commands, mayStay) {
      const namespace = declare(name, commands);
      if (mayStay !== undefined) mayStayIn.set(namespace, mayStay);
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
      };
    },
    disconnectUser(userId) {
      for (const namespace of namespaces) namespace.local.in(userRoom(userId)).disconnectSockets(true);
    },
    async recheckUser(userId) {
      for (const namespace of namespaces) {
        const ids = [...(namespace.adapter.rooms.get(userRoom(userId)) ?? [])];
        const sockets = ids.flatMap((id) => namespace.sockets.get(id) ?? []);
        // Ends those that are refused; a store that is away is asked again every minute.
        await Promise.all(sockets.map((socket) => refresh(socket, authenticator).catch(refused)));
      }
    },
    recheck: () => recheck('leave'),
    connectionCount: () => (attached ? io.engine.clientsCount : 0),
  };
}

/** What waits for the client is sent before. */
function close(connection: Connection): void {
  const { writeBuffer } = connection as unknown as { readonly writeBuffer: readonly unknown[] };
  const nothingWaits = writeBuffer.length === 0;
  connection.close(nothingWaits);
}

/** Becomes the client's `connect_error`. */
function refusal({ message, code }: { readonly message: string; readonly code: string }): Error {
  return Object.assign(new Error(message), { data: { code, detail: message } });
}
