import type { Socket } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import { addressBlock } from '#kernel/addresses.ts';
import type { Logger } from '#kernel/logger.ts';

const TELL_EVERY_MS = 60_000;

/** Which peers are proxies of ours, as Fastify decides it: their connections are those of many clients. */
export function proxiesOf(trustProxy: boolean | string): (address: string) => boolean {
  if (typeof trustProxy === 'boolean') return () => trustProxy;
  const isProxy = proxyAddr.compile(trustProxy.split(',').map((each) => each.trim()));
  return (address) => isProxy(address, 0);
}

/** Closes the connections that one client address has beyond `limit`. A listener for `connection`. */
export function limitPerAddress(
  limit: number,
  isProxy: (address: string) => boolean,
  refused: () => void,
): (socket: Socket) => void {
  const open = new Map<string, number>();
  return (socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isProxy(remoteAddress)) return;
    const client = addressBlock(remoteAddress);
    const count = (open.get(client) ?? 0) + 1;
    if (count > limit) {
      refused();
      socket.destroy();
      return;
    }
    open.set(client, count);
    socket.once('close', () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left === 0) open.delete(client);
      else open.set(client, left);
    });
  };
}

/** Tells the operator, once a minute at most: who floods the server shall not flood its log. */
export function tellSometimes(logger: Logger, message: string): () => void {
  let [since, toldAt] = [0, Number.NEGATIVE_INFINITY];
  return () => {
    since += 1;
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    logger.warn({ since_last_line: since }, message);
    [since, toldAt] = [0, performance.now()];
  };
}
