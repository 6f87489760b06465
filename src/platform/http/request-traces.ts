import type { Tracing } from '../tracing/tracing.port.ts';
import type { HttpApp } from './http.port.ts';

/** A span for each request that is recorded, in the caller's trace if it has one (W3C Trace Context). */
export function traceRequests(app: HttpApp, tracing: Tracing): void {
  app.decorateRequest('span', null);
  app.addHook('onRequest', (request, _reply, done) => {
    // Probes and documents: nobody waits for them to be explained.
    if (request.routeOptions.config.rateLimitExempt !== true) {
      const { traceparent } = request.headers;
      const route = request.routeOptions.url ?? 'unmatched';
      const header = typeof traceparent === 'string' ? traceparent : undefined;
      request.span = tracing.continue(header, `${request.method} ${route}`, 'server');
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    const { span } = request;
    if (span === null) return;
    // https://opentelemetry.io/docs/specs/semconv/http/http-spans/; the query may hold what is nobody's business.
    span.set({
      'http.request.method': request.method,
      'http.route': request.routeOptions.url ?? 'unmatched',
      'http.response.status_code': reply.statusCode,
      'core_api.request_id': request.id,
    });
    span.end(reply.statusCode >= 500 ? `status ${reply.statusCode}` : undefined);
  });
}
