import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ImageServer {
  readonly url: string;
  /** `Range` of each request, in order. */
  readonly ranges: readonly string[];
  /**
   * What comes instead of the next requests' parts: a status, a connection that is cut after half of the part, or all of
   * the image, as of a server that knows no ranges.
   */
  readonly instead: (number | 'cut' | 'whole')[];
  close(): Promise<void>;
}

/** Gives an image in the parts that are asked for, to `d1` with its `secret`. */
export async function startImageServer(image: Buffer): Promise<ImageServer> {
  const ranges: string[] = [];
  const instead: ImageServer['instead'] = [];
  const server = createServer((request, response) => {
    const range = request.headers.range ?? '';
    ranges.push(range);
    const behaviour = instead.shift();
    const login = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    if (login !== 'd1:secret') return response.writeHead(401).end();
    if (typeof behaviour === 'number') return response.writeHead(behaviour).end();
    if (behaviour === 'whole') return response.writeHead(200).end(image);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const part = image.subarray(Number(first), Number(last) + 1);
    response.writeHead(206, { 'content-length': part.length });
    if (behaviour !== 'cut') return response.end(part);
    return response.write(part.subarray(0, part.length / 2), () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/image`,
    ranges,
    instead,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
