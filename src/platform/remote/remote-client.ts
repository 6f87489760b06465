import { AppError } from '#kernel/errors.ts';
import { remoteErrors } from './remote.errors.ts';
import { type ApiMethods, prefixOf, type RemoteAnswer, SECRET_HEADER } from './remote-protocol.ts';

export interface RemoteClientOptions<Api extends object> {
  readonly name: string;
  readonly methods: ApiMethods<Api>;
  /** `http://notifications:8000` */
  readonly url: string;
  readonly secret: string;
  /** Milliseconds for a call; default 10 s. A call that was given up may have taken effect. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/**
 * A module's API that runs in another process (`createRemoteServer`). What it throws there is thrown here; while it
 * is away every method throws `remote_unavailable`.
 */
export function createRemoteClient<Api extends object>(options: RemoteClientOptions<Api>): Api {
  const { name, methods, url, secret, timeoutMs = TIMEOUT_MS } = options;
  const base = new URL(`${prefixOf(name)}/`, url).href;
  const headers = { 'content-type': 'application/json', [SECRET_HEADER]: secret };

  async function call(method: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await ask(method, args).catch((cause: unknown) => {
      const detail = `${name} at ${new URL(url).host} does not answer: ${(cause as Error).message}.`;
      throw remoteErrors.remote_unavailable({ detail, details: { retryAfterSeconds: 1 }, cause });
    });
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
