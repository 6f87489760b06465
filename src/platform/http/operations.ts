import type { FastifyRequest, RouteOptions } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';
import { hashSecret, secretMatches } from '#kernel/ids.ts';
import { basicCredentials } from './access.ts';
import type { HttpApp } from './http.port.ts';

/** Metrics and documents tell strangers about an installation: an operator may keep them to itself. */
export interface OperationsOptions {
  /** A port of their own, on which there is nothing else but the probes; null: they are where everything is. */
  readonly port: number | null;
  /** To be shown as a bearer, or as the password of HTTP Basic, which browsers ask people for; null: not needed. */
  readonly token: string | null;
}

/**
 * @param isOnOwnPort whether a request came by the port of their own; null when there is none
 */
export function guardOperations(
  app: HttpApp,
  token: string | null,
  isOnOwnPort: ((request: FastifyRequest) => boolean) | null,
): void {
  if (isOnOwnPort !== null) {
    app.addHook('onRequest', async (request) => {
      const { operations, probe } = request.routeOptions.config;
      if (probe !== true && (operations === true) !== isOnOwnPort(request)) throw commonErrors.not_found();
    });
  }
  if (token === null) return;
  const hash = hashSecret(token);
  app.addHook('onRoute', (route: RouteOptions) => {
    if (route.config?.operations !== true) return;
    const check = async ({ headers: { authorization } }: FastifyRequest) => {
      const shown = /^basic /i.test(authorization ?? '')
        ? basicCredentials(authorization)[1]
        : /^bearer (.+)$/i.exec(authorization ?? '')?.[1];
      if (shown === undefined || !secretMatches(shown, hash)) {
        throw commonErrors.authentication_required({ detail: 'METRICS_TOKEN is required.' });
      }
    };
    route.onRequest = [...[route.onRequest ?? []].flat(), check];
  });
}
