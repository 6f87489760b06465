import { AppError, commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { type ApiMethods, prefixOf, type RemoteAnswer, SECRET_HEADER } from './remote-protocol.ts';

export interface RemoteClientOptions<Api extends object> {
  readonly name: string;
  readonly methods: ApiMethods<Api>;
  /** `http://notifications:8000` */
  readonly url: string;
  readonly secret: string;
  readonly logger: Logger;
  /** Milliseconds for a call; default 10 s. A call that was given up may have taken effect. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/**
 * A module's API that runs in another process (`createRemoteServer`). What it throws there is thrown here; while it
 * is away every method throws `unavailable`, and why is in the log.
 */
export function createRemoteClient<Api extends object>(options: RemoteClientOptions<Api>): Api {
  const { name, methods, url, secret, logger, timeoutMs = TIMEOUT_MS } = options;
  const base = new URL(`${prefixOf(name)}/`, url).href;
  const headers = { 'content-type': 'application/json', [SECRET_HEADER]: secret };

  let away = false;

  async function call(method: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await ask(method, args).catch((cause: unknown) => {
      if (!away) logger.warn({ err: cause, api: name, host: new URL(url).host }, 'a module of its own process is away');
      away = true;
      throw commonErrors.unavailable({ details: { retryAfterSeconds: 1 }, cause });
    });
    if (away) logger.info({ api: name }, 'a module of its own process is back');
    away = false;
    if (!('error' in answer)) return answer.result;
    const { kind, code, message, details } = answer.error;
    throw new AppError(kind, code, message, { details });
  }

  async function ask(method: string, args: readonly unknown[]): Promise<RemoteAnswer> {
    const response = await fetch(`${base}${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ args }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Wrong secret, wrong address, a proxy in between: all is of the installation, and none of the caller's fault.
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`it answers ${response.status}`);
    }
    return (await response.json()) as RemoteAnswer;
  }

  return Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => call(method, args)])) as Api;
}
