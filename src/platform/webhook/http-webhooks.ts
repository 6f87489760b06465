import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import { hashSecret } from '#kernel/ids.ts';
import { nodeHttp } from '../http/node-http.ts';
import { isPublicAddress } from './public-address.ts';
import { sign } from './signature.ts';
import { webhookErrors } from './webhook.errors.ts';
import type { WebhookSender } from './webhook.port.ts';

export interface HttpWebhooksOptions {
  readonly urls: readonly string[];
  readonly secret: string;
  /** Also addresses that are not public: of this machine and of the network that it is in. */
  readonly allowPrivate: boolean;
  readonly clock: Clock;
  readonly version: string;
  /** Milliseconds for a call as a whole; default 10 s. */
  readonly timeoutMs?: number;
  /** How names become addresses; default: as the system does it. */
  readonly resolve?: Resolve;
}

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const TIMEOUT_MS = 10_000;
/** Of an answer; what is longer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * `WebhookSender` over HTTP and HTTPS. An address is judged where it is connected to: what a name resolves to is
 * checked and used in one step, so a name that answers differently the second time gains nothing. Each call has a
 * connection of its own.
 */
export function createHttpWebhooks(options: HttpWebhooksOptions): WebhookSender {
  const { urls, secret, allowPrivate, clock, version, timeoutMs = TIMEOUT_MS, resolve = systemResolve } = options;
  const addresses = new Map(urls.map((url) => [hashSecret(url).slice(0, 16), new URL(url)]));
  const isAllowed = (address: string) => allowPrivate || isPublicAddress(address);

  /** Node connects to what this answers. */
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    resolve(hostname).then(
      (found) => {
        // All of them: a name that also leads inside was made for that.
        const refused = found.find(({ address }) => !isAllowed(address));
        const [first] = found;
        if (refused !== undefined || first === undefined) callback(refusal(hostname), '');
        else if (all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  function call(url: URL, headers: RequestOptions['headers'], body: string, signal: AbortSignal): Promise<number> {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !isAllowed(host)) throw refusal(host);
    const { promise, resolve: answered, reject } = Promise.withResolvers<number>();
    const send = url.protocol === 'https:' ? httpsRequest : nodeHttp.request;
    const request = send(url, { method: 'POST', headers, lookup, signal, agent: false }, (response) => {
      readAtMost(response, MAX_ANSWER_BYTES).then(() => answered(response.statusCode ?? 0), reject);
    });
    request.on('error', reject);
    request.end(body);
    return promise;
  }

  return {
    endpoints: [...addresses.keys()],
    async send(endpoint, message, signal) {
      const url = addresses.get(endpoint);
      if (url === undefined) throw webhookErrors.webhook_endpoint_removed();
      const body = JSON.stringify(message.body);
      const timestamp = Math.floor(clock.now() / 1000);
      const headers = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': `core-api/${version}`,
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': sign(secret, message.id, timestamp, body),
      };
      let status: number;
      try {
        status = await call(url, headers, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      } catch (error) {
        if (isAppError(error)) throw error;
        throw webhookErrors.webhook_failed({
          detail: `${url.host} cannot be called: ${reasonOf(error)}`,
          cause: error,
        });
      }
      if (status >= 200 && status < 300) return { status };
      const detail = `${url.host} answered ${status}.`;
      throw status === 410 ? webhookErrors.webhook_gone({ detail }) : webhookErrors.webhook_failed({ detail });
    },
  };
}

function refusal(host: string) {
  return webhookErrors.webhook_address_refused({
    detail: `${host} is not a public address; WEBHOOK_ALLOW_PRIVATE=true allows it.`,
  });
}

function reasonOf(error: unknown): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  return name === 'AbortError' || name === 'TimeoutError' ? 'it does not answer in time' : (code ?? message);
}

/** Reads and forgets an answer, and hangs up at the limit. */
async function readAtMost(response: IncomingMessage, limit: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    // Leaving the loop destroys the connection.
    if (bytes > limit) return;
  }
}

function systemResolve(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    dnsLookup(hostname, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
}
