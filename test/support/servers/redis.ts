import { connect } from 'node:net';
import type { TestServer } from '../servers.ts';
import { findProgram, startPrivateProcess } from './private-process.ts';

export interface RedisServerOptions {
  /** Asked of the user `default`; none: nobody has to log in. */
  readonly password?: string;
  /** PEM files: only TLS is spoken then. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/** A Redis server with nothing in it, which forgets everything when it ends. */
export async function startRedis({ password, tls }: RedisServerOptions = {}): Promise<TestServer | null> {
  const server = await findProgram('redis-server', 'valkey-server');
  if (server === null) return null;
  return await startPrivateProcess({
    name: 'redis',
    command: ({ folder, port }) => [
      server,
      ...['--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no', '--save', '', '--appendonly', 'no'],
      ...(tls === undefined
        ? ['--port', String(port)]
        : ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', '--tls-ca-cert-file', tls.certFile]),
      ...(tls === undefined ? [] : ['--tls-cert-file', tls.certFile, '--tls-key-file', tls.keyFile]),
      ...(password === undefined ? [] : ['--requirepass', password]),
    ],
    ready: ({ port }) => (tls === undefined ? answers(port) : accepts(port)),
    url: ({ port }) =>
      `${tls === undefined ? 'redis' : 'rediss'}://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
  });
}

/** Whether a PING gets any answer: that a password is wanted is one. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (data) => {
      resolve(/^(\+PONG|-NOAUTH)/.test(String(data)));
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
