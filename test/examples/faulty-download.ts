import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { TestCertificate } from '../support/certificates.ts';

/** HTTPS in front of core-api, as its users have it; and images do not always arrive as they were. */
export interface FaultyDownload {
  /** `https://127.0.0.1:4711` */
  readonly url: string;
  /** What the `Range` of each download asked for: the first byte. */
  readonly asked: readonly number[];
  /** Where it leads; the server is started knowing `url`. */
  leadTo(port: number): void;
  /** The next downloads end after so many bytes each, those behind them as they should. */
  cutNext(...bytes: readonly number[]): void;
  /** From now on, byte `at` of an image arrives as another; null: no more. */
  spoil(at: number | null): void;
  close(): Promise<void>;
}

export async function startFaultyDownload({ certificate, key }: TestCertificate): Promise<FaultyDownload> {
  const asked: number[] = [];
  const cuts: number[] = [];
  let spoilt: number | null = null;
  let target = 0;

  async function sendFaulty(image: Readable, answer: ServerResponse, start: number, bytes: number): Promise<void> {
    let at = start;
    for await (const chunk of image as AsyncIterable<Buffer>) {
      const part = chunk.subarray(0, start + bytes - at);
      if (spoilt !== null && spoilt >= at && spoilt < at + part.length) part[spoilt - at] = ~(part[spoilt - at] ?? 0);
      at += part.length;
      if (part.length < chunk.length) {
        // In order, so that what was sent before arrives.
        answer.write(part, () => answer.socket?.end());
        return;
      }
      if (!answer.write(part)) await once(answer, 'drain');
    }
    answer.end();
  }

  const server = createServer({ cert: certificate, key }, (incoming, answer) => {
    const { url: path, method, headers } = incoming;
    const sent = request({ port: target, host: '127.0.0.1', method, headers, path }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      if (path?.startsWith('/api/v1/device/firmware/') !== true) {
        got.pipe(answer);
        return;
      }
      asked.push(Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0));
      void sendFaulty(got, answer, asked.at(-1) ?? 0, cuts.shift() ?? Number.POSITIVE_INFINITY).catch(() =>
        answer.destroy(),
      );
    });
    sent.on('error', () => answer.destroy());
    incoming.pipe(sent);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    leadTo(port) {
      target = port;
    },
    cutNext(...bytes) {
      cuts.splice(0, cuts.length, ...bytes);
    },
    spoil(at) {
      spoilt = at;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
