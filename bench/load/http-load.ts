import { once } from 'node:events';
import { connect } from 'node:net';
import { answerParent } from '../support/child.ts';
import { createStopwatch, type LoadFigures, type Phase } from './schedule.ts';

/**
 * Sends one request over and over on keep-alive connections, one request at a time each. Raw sockets: a
 * general client costs more than the routes that are measured here.
 */
export interface HttpLoad extends Phase {
  readonly port: number;
  readonly connections: number;
  readonly request: HttpRequest;
  readonly expectStatus: number;
  /** Requests a second over all connections (open loop); null sends the next as soon as one is answered. */
  readonly rate: number | null;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
}

export type HttpLoadResult = LoadFigures;

const TICK_MS = 1;
const FINISH_SECONDS = 20;

answerParent<HttpLoad, HttpLoadResult>(async (load) => {
  const bytes = encode(load.request);
  const idle: Requester[] = [];
  for (let opened = 0; opened < load.connections; opened += 1) idle.push(await openRequester(load, bytes));

  const stopwatch = createStopwatch(load);
  const finished = Promise.withResolvers<void>();
  const interval = load.rate === null ? 0 : 1000 / load.rate;
  let sent = 0;
  let answered = 0;

  // A request that finds every connection busy waits here, and its waiting counts: it is measured from when it was due.
  function pump(now: number): void {
    while (idle.length > 0) {
      const dueAt = interval === 0 ? now : stopwatch.startsAt + sent * interval;
      if (dueAt > now || dueAt >= stopwatch.closesAt) break;
      const requester = idle.pop();
      sent += 1;
      requester?.send(() => {
        const answeredAt = performance.now();
        answered += 1;
        stopwatch.completed(dueAt, answeredAt);
        idle.push(requester);
        pump(answeredAt);
        if (answeredAt >= stopwatch.closesAt && answered === sent) finished.resolve();
      });
    }
  }

  const tick = setInterval(() => {
    const now = performance.now();
    pump(now);
    if (now >= stopwatch.closesAt && answered === sent) finished.resolve();
    if (now >= stopwatch.closesAt + FINISH_SECONDS * 1000) finished.reject(new Error('requests were never answered'));
  }, TICK_MS);
  pump(performance.now());
  await finished.promise;
  clearInterval(tick);
  return stopwatch.figures();
});

interface Requester {
  send(onAnswer: () => void): void;
}

async function openRequester({ port, expectStatus }: HttpLoad, request: Buffer): Promise<Requester> {
  let onAnswer = () => {};
  let bodyBytesLeft = 0;
  let head = '';

  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(65_536),
      callback(length, buffer) {
        onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    },
  });
  socket.on('close', () => {
    throw new Error('the server closed a connection');
  });
  await once(socket, 'connect');

  function onBytes(chunk: Buffer): void {
    let body = chunk.length;
    if (bodyBytesLeft === 0) {
      const text = chunk.toString('latin1', 0, 4096);
      const headBefore = head.length;
      head += text;
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      bodyBytesLeft = readHead(head.slice(0, end), expectStatus);
      body = chunk.length - (end + 4 - headBefore);
      head = '';
    }
    bodyBytesLeft -= body;
    if (bodyBytesLeft < 0) throw new Error('more was answered than asked for');
    if (bodyBytesLeft === 0) onAnswer();
  }

  return {
    send(callback) {
      onAnswer = callback;
      socket.write(request);
    },
  };
}

/** @returns the length of the body */
function readHead(head: string, expectStatus: number): number {
  const status = Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
  if (status !== expectStatus) throw new Error(`answered ${status} instead of ${expectStatus}: ${head}`);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  return Number(length);
}

function encode({ method, path, token, body }: HttpRequest): Buffer {
  const content = body === undefined ? '' : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Accept: application/json'];
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(content)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${content}`);
}
