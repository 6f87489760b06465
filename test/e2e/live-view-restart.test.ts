import { once } from 'node:events';
import { io } from 'socket.io-client';
import { expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, startServer } from '../support/server-process.ts';

test.each(['websocket', 'polling'])(
  'a live view by %s comes back by itself after a restart, and goes on when it subscribes at every connect',
  async (transport) => {
    const folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, HTTP_PORT: String(await freePort()) };
    let server = await startServer(settings);
    const api = await signInAsSuperuser(server, settings);
    const device = await api.registerDevice();
    const socket = io(`${server.httpUrl}/monitoring`, {
      ...{ auth: { token: api.token }, transports: [transport], reconnectionDelay: 50, reconnectionDelayMax: 200 },
    });
    const subscribed: Promise<unknown>[] = [];
    socket.on('connect', () =>
      subscribed.push(socket.emitWithAck('subscribe', { device_uid: device.uid }).then((answer) => void answer.ok)),
    );
    const seen = async (value: number) => {
      await expect.poll(() => socket.connected, { timeout: 10_000 }).toBe(true);
      await Promise.all(subscribed);
      const next = once(socket as never, 'telemetry');
      const response = await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${btoa(`${device.uid}:${device.secret}`)}`,
        },
        body: JSON.stringify({ metrics: { value } }),
      });
      expect(response.status).toBe(200);
      const [update] = await next;
      expect(update.metrics).toEqual({ value });
    };
    try {
      await seen(1);
      const reasons: string[] = [];
      socket.on('disconnect', (reason) => reasons.push(reason));
      expect(await server.end('SIGTERM')).toBe(0);
      await expect.poll(() => reasons.length).toBe(1);
      server = await startServer(settings);
      await seen(2);
    } finally {
      socket.disconnect();
      await server.end('SIGTERM');
      folder.remove();
    }
  },
);
