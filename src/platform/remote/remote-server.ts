import { Type } from 'typebox';
import { commonErrors, isAppError } from '#kernel/errors.ts';
import { hashSecret, secretMatches } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import { FILE_BODY_BYTES, type HttpMount } from '#platform/http/http.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import { remoteErrors } from './remote.errors.ts';
import { type ApiMethods, prefixOf, type RemoteAnswer, SECRET_HEADER } from './remote-protocol.ts';

export interface RemoteServerOptions<Api extends object> {
  /** Of the module, as in the address. */
  readonly name: string;
  readonly api: Api;
  readonly methods: ApiMethods<Api>;
  readonly secret: string;
  readonly logger: Logger;
}

/** Lets other processes of the installation call `methods` of a module's API; see `createRemoteClient`. */
export function createRemoteServer<Api extends object>(options: RemoteServerOptions<Api>): HttpMount {
  const { name, api, methods, secret, logger } = options;
  const secretHash = hashSecret(secret);

  async function call(method: string, args: readonly unknown[]): Promise<RemoteAnswer> {
    const known = methods.find((candidate) => candidate === method);
    if (known === undefined) throw commonErrors.not_found();
    const run = api[known] as (...given: readonly unknown[]) => Promise<unknown>;
    try {
      return { result: await run(...args) };
    } catch (error) {
      if (!isAppError(error)) logger.error({ err: error, api: name, method }, 'unexpected error');
      const { kind, code, message, details } = isAppError(error) ? error : commonErrors.internal_error();
      return { error: { kind, code, message, details } };
    }
  }

  return {
    prefix: prefixOf(name),
    routes(app) {
      app.addHook('onRequest', async (request) => {
        const presented = request.headers[SECRET_HEADER];
        if (typeof presented !== 'string' || !secretMatches(presented, secretHash)) {
          throw remoteErrors.remote_secret_wrong();
        }
      });
      app.post(
        '/:method',
        {
          config: { access: 'public', rateLimitExempt: true },
          // Who asks has shown the secret.
          bodyLimit: FILE_BODY_BYTES,
          schema: {
            hide: true,
            params: Strict({ method: Type.String() }),
            body: Strict({ args: Type.Array(Type.Unknown()) }),
          },
        },
        async ({ params, body }) => call(params.method, body.args),
      );
    },
  };
}
