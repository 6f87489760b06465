import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { Principal } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { MayStay, Realtime, RealtimeAuthenticator, RealtimeCommand } from './realtime.port.ts';

/** How the contract suite gets an adapter. */
export interface RealtimeHarness {
  readonly name: string;
  /** An adapter that has not been started, and the address that it will listen on once it has. */
  create(authenticator: RealtimeAuthenticator): Promise<{
    readonly realtime: Realtime;
    url(): string;
    cleanUp(): Promise<void>;
  }>;
}

/** Tokens are names; `expiresAt` and who has access are the test's to decide. */
class FakeAuthenticator implements RealtimeAuthenticator {
  readonly users = new Map<string, Principal>([
    ['ann', { userId: 1, role: 'ADMIN' }],
    ['bob', { userId: 2, role: 'USER' }],
  ]);
  expiresAt = Number.MAX_SAFE_INTEGER;
  beforeAuthenticate: () => Promise<void> = async () => {};

  async authenticate(token: string) {
    const principal = await this.refresh(token);
    await this.beforeAuthenticate();
    return { principal, expiresAt: this.expiresAt };
  }

  async refresh(token: string): Promise<Principal> {
    const principal = this.users.get(token);
    if (principal === undefined) throw commonErrors.authentication_required();
    return principal;
  }
}

const COMMANDS: Readonly<Record<string, RealtimeCommand>> = {
  echo: async (_connection, data) => ({ data }),
  who: async ({ principal }) => ({ ...principal }),
  join: async ({ join }, data) => {
    await join((data as { room: string }).room);
    return undefined;
  },
  join_many: async ({ join }, data) => {
    const { count } = data as { count: number };
    for (let i = 0; i < count; i++) await join(`r${i}`);
    return undefined;
  },
  leave: async ({ leave }, data) => {
    await leave((data as { room: string }).room);
    return undefined;
  },
  forbidden: async () => {
    throw commonErrors.forbidden();
  },
  bug: async () => {
    throw new TypeError('a secret path: /etc');
  },
  not_ok: async () => ({ ok: false, value: 1 }),
};

export async function createRig(harness: RealtimeHarness) {
  const authenticator = new FakeAuthenticator();
  const { realtime, url, cleanUp } = await harness.create(authenticator);
  const rules: { mayStay: MayStay } = { mayStay: async () => true };
  const monitoring = realtime.namespace('/monitoring', COMMANDS, (...asked) => rules.mayStay(...asked));
  const other = realtime.namespace('/other', {});
  await realtime.start?.(AbortSignal.timeout(5_000));
  const sockets: Socket[] = [];

  function open(namespace: string, auth: object, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
    const socket = io(`${url()}${namespace}`, { auth, reconnection: false, forceNew: true, ...options });
    sockets.push(socket);
    return socket;
  }

  return {
    authenticator,
    /** For tests to replace. */
    rules,
    realtime,
    monitoring,
    other,
    open,
    async connect(token: string, options?: Partial<ManagerOptions & SocketOptions>): Promise<Socket> {
      const socket = open('/monitoring', { token }, options);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('connect_error', reject);
      });
      return socket;
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.disconnect();
      await realtime.stop?.(AbortSignal.timeout(5_000));
      await cleanUp();
    },
  };
}

export function happens<T = unknown>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve) => socket.once(event, resolve));
}

export async function refusalOf(socket: Socket): Promise<unknown> {
  const error = await happens<Error & { data: { code: string } }>(socket, 'connect_error');
  return error.data.code;
}
