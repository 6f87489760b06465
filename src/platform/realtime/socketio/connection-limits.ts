import type { Logger } from '#kernel/logger.ts';
import { realtimeErrors } from '../realtime.errors.ts';
import { type AppSocket, terminate } from './connection.ts';
import { createTokenBucket } from './token-bucket.ts';

/** A connection of Engine.IO, by whatever transport; several namespaces share it. */
export type Connection = AppSocket['conn'];

export interface ConnectionLimits {
  /** Whether one more connection may be opened. */
  hasRoom(): boolean;
  /** From its first byte on: of a connection of whom nothing is known yet. */
  watch(connection: Connection): void;
  /**
   * Ends a connection that asks for a namespace again before it was answered: each of them would be a socket.
   * @returns whether it may go on
   */
  ask(connection: Connection, namespace: string): boolean;
  answered(connection: Connection, namespace: string): void;
  /** It is this user's. @throws AppError `too_many_connections` */
  takeSeat(connection: Connection, userId: number): void;
}

/** Of one process. */
const MAX_CONNECTIONS = 10_000;
const MAX_CONNECTIONS_PER_USER = 50;
/** Connections that have not said yet whose they are. One more, and the oldest of them ends. */
const MAX_STRANGERS = 1_000;
/** Whatever a client sends: commands, requests for a namespace, answers to a ping. */
const INCOMING = { perSecond: 100, burst: 2_000 };
/** Requests for a namespace among these: each costs a hundred times what an answer to a ping does, whoever asks. */
const ASKING = { perSecond: 10, burst: 100 };
/** What may wait for a client at any time … */
const MOST_WAITING = { packets: 20_000, bytes: 8 * 2 ** 20 };
/** … and for one that has not taken anything for a while. A burst is no reason to end a connection; nor is a short stall. */
const STALLED = { packets: 5_000, bytes: 2 ** 20 };
const STALL_MS = 2_000;

/** What connections may take of the process, so that one client cannot have what others need. */
export function createConnectionLimits(logger: Logger): ConnectionLimits {
  const strangers = new Set<Connection>();
  const seats = new Map<number, Set<Connection>>();
  const asking = new WeakMap<Connection, Set<string>>();
  const ended = new WeakSet<Connection>();
  let count = 0;

  function end(connection: Connection, why: string): void {
    if (ended.has(connection)) return;
    ended.add(connection);
    logger.info({ ip: connection.remoteAddress }, `realtime connection ended, ${why}`);
    // What has come with this is not looked at any more.
    connection.removeAllListeners('data');
    // Not while it is being written to.
    setImmediate(() => terminate(connection));
  }

  function limitIncoming(connection: Connection): void {
    const within = createTokenBucket(INCOMING);
    const mayAsk = createTokenBucket(ASKING);
    connection.on('packet', ({ data }: { readonly data?: unknown }) => {
      // A Socket.IO packet that begins with 0 is CONNECT.
      const asks = typeof data === 'string' && data.startsWith('0');
      if (!within() || (asks && !mayAsk())) end(connection, 'the client sends too much');
    });
  }

  /** Engine.IO queues without limit for a client that does not read. */
  function limitOutgoing(connection: Connection): void {
    let waiting = 0;
    let bytes = 0;
    let since = 0;
    connection.on('packetCreate', ({ data }: { readonly data?: string | Buffer }) => {
      if (waiting++ === 0) since = performance.now();
      bytes += data?.length ?? 0;
      const isTooMuch = waiting > MOST_WAITING.packets || bytes > MOST_WAITING.bytes;
      const isMuch = waiting > STALLED.packets || bytes > STALLED.bytes;
      if (isTooMuch || (isMuch && performance.now() - since > STALL_MS)) {
        waiting = 0;
        bytes = 0;
        end(connection, 'the client does not keep up');
      }
    });
    // It is with the transport now, which takes no more before this has left.
    connection.on('drain', () => {
      waiting = 0;
      bytes = 0;
    });
  }

  return {
    hasRoom: () => count < MAX_CONNECTIONS,
    watch(connection) {
      count += 1;
      strangers.add(connection);
      connection.once('close', () => {
        count -= 1;
        strangers.delete(connection);
      });
      limitIncoming(connection);
      limitOutgoing(connection);
      const [oldest] = strangers;
      if (strangers.size <= MAX_STRANGERS || oldest === undefined) return;
      strangers.delete(oldest);
      end(oldest, 'too many do not say whose they are');
    },
    ask(connection, namespace) {
      const asked = asking.get(connection) ?? new Set();
      asking.set(connection, asked);
      if (!asked.has(namespace)) {
        asked.add(namespace);
        return true;
      }
      end(connection, 'the client asks for a namespace twice');
      return false;
    },
    answered: (connection, namespace) => void asking.get(connection)?.delete(namespace),
    takeSeat(connection, userId) {
      // It has ended while its token was checked: nobody would give its seat back.
      if (connection.readyState !== 'open') return;
      const taken = seats.get(userId) ?? new Set();
      if (!taken.has(connection)) {
        if (taken.size >= MAX_CONNECTIONS_PER_USER) throw realtimeErrors.too_many_connections();
        taken.add(connection);
        seats.set(userId, taken);
        connection.once('close', () => {
          taken.delete(connection);
          if (taken.size === 0 && seats.get(userId) === taken) seats.delete(userId);
        });
      }
      strangers.delete(connection);
    },
  };
}
