import { AsyncLocalStorage } from 'node:async_hooks';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { ADMINS, assertMayChange, type Principal, type RequestOrigin } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type AppError, commonErrors, isAppError } from '#kernel/errors.ts';
import { type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import type { PublicAddress } from '#platform/http/public-address.port.ts';
import { refuseForeign } from '#platform/http/same-site.port.ts';
import type { JobControl } from '../jobs.port.ts';
import { ownPage } from './board-page.ts';
import { type BoardChange, createBoardQueues, type RunByHand, sentence } from './board-queues.ts';
import { loginPage } from './login-page.ts';
import { dataOf, type OfferedJob, runPage } from './run-page.ts';

export interface DashboardDeps {
  readonly jobs: JobControl;
  /** Those that a person may run. */
  offered(): readonly OfferedJob[];
  /** @throws AppError for data that the job does not take */
  run(principal: Principal, ...args: Parameters<RunByHand>): ReturnType<RunByHand>;
  /** Writes down what somebody has done. */
  note(principal: Principal, changes: readonly BoardChange[]): Promise<void>;
  readonly timeZone: string;
  /** Where browsers find it: what stands before `/jobs` there, and whether they come by TLS. */
  readonly publicAddress: PublicAddress;
  /** @throws AppError as the sign-in of the API does */
  signIn(
    credentials: { readonly email: string; readonly password: string },
    origin: RequestOrigin,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>;
  /** Goes on where `signIn` has thrown `second_factor_required`. @throws AppError as the API does */
  signInWithCode(
    proof: { readonly ticket: string; readonly code: string },
    origin: RequestOrigin,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>;
  /** @throws AppError `unauthenticated` */
  bearer(token: string): Promise<Principal>;
}

const BASE = '/jobs';
const COOKIE = 'core_api_jobs';
const STATUS: Readonly<Partial<Record<AppError['kind'], number>>> = {
  unauthenticated: 401,
  forbidden: 403,
  limited: 429,
};
/** Of the page itself; what describes the connection is said by the outer server. */
const PASSED_ON = ['content-type', 'cache-control', 'etag', 'last-modified', 'location'];
/** A queue of three. */
const LOGO = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="6" fill="#1d4ed8"/>' +
    '<g fill="#fff"><rect x="5" y="7" width="18" height="3"/><rect x="5" y="12.5" width="18" height="3"/><rect x="5" y="18" width="11" height="3"/></g></svg>',
)}`;
/** Nothing of it comes from elsewhere. */
const BOARD_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/**
 * `/jobs`: Bull Board, for ADMIN and above. A browser signs in on a page of its own and gets an access token as a
 * cookie that only these addresses see, the console hands over the one that it has; a program shows its token as everywhere. The board runs on a server of its
 * own without a port, made when it is first looked at, so that a start pays nothing for it.
 */
export function createDashboardRoutes(deps: DashboardDeps): HttpRoutes {
  const { jobs, offered, run, note, timeZone, publicAddress, signIn, signInWithCode, bearer } = deps;
  /** As links in pages write it; redirects are put right at the edge. */
  const shownBase = `${publicAddress.basePath}${BASE}`;
  /** Who asks, and what is done for it: the board hands no request on to its queues. */
  const asking = new AsyncLocalStorage<{ readonly principal: Principal; readonly changes: BoardChange[] }>();
  let board: Promise<FastifyInstance> | undefined;

  async function createBoard(): Promise<FastifyInstance> {
    const { createBullBoard } = await import('@bull-board/api');
    const { FastifyAdapter } = await import('@bull-board/fastify');
    const serverAdapter = new FastifyAdapter().setBasePath(shownBase);
    createBullBoard({
      queues: await createBoardQueues({
        jobs,
        timeZone,
        async run(name, data) {
          const { principal } = asking.getStore() ?? {};
          if (principal === undefined) throw commonErrors.authentication_required();
          return await run(principal, name, data);
        },
        changed: (change) => void asking.getStore()?.changes.push(change),
      }),
      // Its types come from a copy of the other package, one patch release apart.
      serverAdapter: serverAdapter as never,
      options: {
        uiConfig: {
          boardTitle: 'core-api: Background jobs',
          boardLogo: { path: LOGO, width: 28, height: 28 },
          favIcon: { default: LOGO, alternative: LOGO },
          hideRedisDetails: true,
          hideDocsLink: true,
          showWorkers: false,
          miscLinks: [
            { text: 'Run a job', url: `${shownBase}/run` },
            { text: 'Sign out', url: `${shownBase}/logout` },
          ],
        },
      },
    });
    const server = fastify();
    await server.register(serverAdapter.registerPlugin(), { prefix: BASE });
    return server;
  }

  async function authorise(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const shown = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const token = shown ?? (request.cookies[COOKIE] || undefined);
    const principal = token === undefined ? null : await bearer(token).catch(isUnauthenticated);
    if (principal === null) {
      if (request.method === 'GET' && request.headers.accept?.includes('text/html') === true) {
        return reply.redirect(`${BASE}/login`, 303);
      }
      throw commonErrors.authentication_required();
    }
    if (!ADMINS.some((role) => role === principal.role)) throw commonErrors.forbidden();
    // A page of somebody else can make a browser send the cookie, but not a token.
    if (shown === undefined && request.method !== 'GET') refuseForeign(request);
    if (request.method !== 'GET') assertMayChange(principal);
    request.principal = { ...principal, origin: originOf(request) };
    return undefined;
  }

  async function show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    board ??= createBoard().catch((error: unknown) => {
      board = undefined;
      throw error;
    });
    const inner = await board;
    const { accept, 'content-type': type, 'if-none-match': known } = request.headers;
    const store = { principal: principalOf(request), changes: [] as BoardChange[] };
    const answer = await asking.run(
      store,
      async () =>
        // Awaited here: it begins only then.
        await inner.inject({
          method: request.method as 'GET',
          url: request.raw.url ?? BASE,
          headers: {
            ...(accept && { accept }),
            ...(type && { 'content-type': type }),
            ...(known && { 'if-none-match': known }),
          },
          ...(request.body === undefined ? {} : { payload: request.body as Buffer }),
        }),
    );
    if (store.changes.length > 0) await note(store.principal, store.changes);
    for (const name of PASSED_ON) {
      const value = answer.headers[name];
      if (value !== undefined) reply.header(name, value);
    }
    reply.header('content-security-policy', BOARD_POLICY);
    const isPage = String(answer.headers['content-type']).startsWith('text/html');
    return reply.code(answer.statusCode).send(isPage ? ownPage(answer.payload) : answer.rawPayload);
  }

  function showLogin(
    reply: FastifyReply,
    status: number,
    problem: string | null,
    ticket: string | null = null,
  ): FastifyReply {
    reply.header('content-security-policy', PAGE_POLICY);
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(loginPage(`${shownBase}/login`, problem, ticket));
  }

  function showForms(reply: FastifyReply, status: number, problem: Parameters<typeof runPage>[1]): FastifyReply {
    reply.header('content-security-policy', PAGE_POLICY);
    return reply.code(status).type('text/html; charset=utf-8').send(runPage(offered(), problem));
  }

  /** Asks again: for a code as long as the ticket is good, else for everything. */
  function refuseLogin(reply: FastifyReply, status: number, error: AppError, ticket: string | null): FastifyReply {
    const { code, message, details } = error;
    if (details.ticket !== undefined) return showLogin(reply, 200, null, details.ticket);
    return showLogin(reply, status, message, code === 'second_factor_refused' ? ticket : null);
  }

  /** @returns an access token of somebody who may see the board */
  async function admit(form: URLSearchParams, request: FastifyRequest) {
    const [origin, ticket] = [originOf(request), form.get('ticket')];
    const session =
      ticket === null
        ? await signIn({ email: form.get('email') ?? '', password: form.get('password') ?? '' }, origin)
        : await signInWithCode({ ticket, code: form.get('code') ?? '' }, origin);
    const { role } = await bearer(session.accessToken);
    if (!ADMINS.some((each) => each === role)) throw commonErrors.forbidden();
    return session;
  }

  /** @param maxAge in seconds; without: until the browser is closed */
  function setCookie(reply: FastifyReply, value: string, maxAge?: number): void {
    const secure = publicAddress.isTls || reply.request.protocol === 'https';
    reply.setCookie(COOKIE, value, {
      ...{ path: shownBase, httpOnly: true, sameSite: 'strict', secure },
      ...defined({ maxAge }),
    });
  }

  return (app) => {
    // Bodies are taken as they are: forms are read here, everything else by the board.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 65_536 }, (_request, body, done) => done(null, body));
    const open = { config: { access: 'public' }, schema: { hide: true } } as const;
    const guarded = { ...open, preHandler: authorise };

    app.get('/login', open, async (_request, reply) => showLogin(reply, 200, null));

    app.post('/login', open, async (request, reply) => {
      refuseForeign(request);
      const form = new URLSearchParams(String(request.body ?? ''));
      const isWhole = form.has('ticket') ? form.get('code') : form.get('email') && form.get('password');
      if (!isWhole) return showLogin(reply, 422, 'E-mail and password are needed.');
      try {
        const { accessToken, expiresIn } = await admit(form, request);
        setCookie(reply, accessToken, expiresIn);
        return reply.redirect(BASE, 303);
      } catch (error) {
        const status = isAppError(error) ? STATUS[error.kind] : undefined;
        if (status === undefined) throw error;
        return refuseLogin(reply, status, error as AppError, form.get('ticket'));
      }
    });

    // For a page that has a token already, such as the console: the token becomes the cookie, until it expires. Only what
    // is shown as a bearer counts here, which no page of another site has.
    app.post('/enter', guarded, async (request, reply) => {
      const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (token === undefined) throw commonErrors.authentication_required();
      if (principalOf(request).credential?.kind === 'personal_token') throw commonErrors.session_required();
      setCookie(reply, token);
      return reply.code(204).send();
    });

    // A link, because the board has no button for it: whoever makes somebody follow it signs them out, no more.
    app.get('/logout', open, async (_request, reply) => {
      setCookie(reply, '', 0);
      return reply.redirect(`${BASE}/login`, 303);
    });

    app.get('/run', guarded, async (_request, reply) => showForms(reply, 200, null));

    app.post('/run', guarded, async (request, reply) => {
      const given = new URLSearchParams(String(request.body ?? ''));
      const name = given.get('job') ?? '';
      const data = dataOf(offered().find(({ definition }) => definition.name === name)?.dataSchema ?? {}, given);
      try {
        const { id, queue } = await run(principalOf(request), name, data);
        return reply.redirect(`${BASE}/queue/${queue}/${encodeURIComponent(id)}`, 303);
      } catch (error) {
        if (!isAppError(error) || error.kind !== 'invalid') throw error;
        return showForms(reply, 422, { name, message: sentence(error), given });
      }
    });

    app.get('', guarded, show);
    app.get('/*', guarded, show);
    app.put('/*', guarded, show);
    app.post('/*', guarded, show);
  };
}

function isUnauthenticated(error: unknown): null {
  if (isAppError(error) && error.kind === 'unauthenticated') return null;
  throw error;
}
