import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { ADMINS, type Principal, type RequestOrigin } from '#kernel/access.ts';
import { type AppError, commonErrors, isAppError } from '#kernel/errors.ts';
import { type HttpRoutes, originOf } from '#platform/http/http.port.ts';
import type { PublicAddress } from '#platform/http/public-address.ts';
import type { JobControl } from '../jobs.port.ts';
import { createBoardQueues, type RunByHand } from './board-queues.ts';
import { loginPage } from './login-page.ts';

export interface DashboardDeps {
  readonly jobs: JobControl;
  readonly run: RunByHand;
  readonly timeZone: string;
  /** Where browsers find it: what stands before `/jobs` there, and whether they come by TLS. */
  readonly publicAddress: PublicAddress;
  /** @throws AppError as the sign-in of the API does */
  signIn(
    credentials: { readonly email: string; readonly password: string },
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
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/**
 * `/jobs`: Bull Board, for ADMIN and above. A browser signs in on a page of its own and gets an access token as a
 * cookie that only these addresses see; a program shows its token as everywhere. The board runs on a server of its
 * own without a port, made when it is first looked at, so that a start pays nothing for it.
 */
export function createDashboardRoutes({
  jobs,
  run,
  timeZone,
  publicAddress,
  signIn,
  bearer,
}: DashboardDeps): HttpRoutes {
  /** As links in pages write it; redirects are put right at the edge. */
  const shownBase = `${publicAddress.basePath}${BASE}`;
  let board: Promise<FastifyInstance> | undefined;

  async function createBoard(): Promise<FastifyInstance> {
    const { createBullBoard } = await import('@bull-board/api');
    const { FastifyAdapter } = await import('@bull-board/fastify');
    const serverAdapter = new FastifyAdapter().setBasePath(shownBase);
    createBullBoard({
      queues: await createBoardQueues(jobs, run, timeZone),
      // Its types come from a copy of the other package, one patch release apart.
      serverAdapter: serverAdapter as never,
      options: {
        uiConfig: {
          boardTitle: 'Background jobs',
          hideRedisDetails: true,
          hideDocsLink: true,
          showWorkers: false,
          miscLinks: [{ text: 'Sign out', url: `${shownBase}/logout` }],
        },
      },
    });
    const server = fastify();
    await server.register(serverAdapter.registerPlugin(), { prefix: BASE });
    return server;
  }

  async function authorise(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const shown = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const token = shown ?? cookieOf(request);
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
    return undefined;
  }

  async function show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    board ??= createBoard().catch((error: unknown) => {
      board = undefined;
      throw error;
    });
    const inner = await board;
    const { accept, 'content-type': type, 'if-none-match': known } = request.headers;
    const answer = await inner.inject({
      method: request.method as 'GET',
      url: request.raw.url ?? BASE,
      headers: {
        ...(accept && { accept }),
        ...(type && { 'content-type': type }),
        ...(known && { 'if-none-match': known }),
      },
      ...(request.body === undefined ? {} : { payload: request.body as Buffer }),
    });
    for (const name of PASSED_ON) {
      const value = answer.headers[name];
      if (value !== undefined) reply.header(name, value);
    }
    reply.header('content-security-policy', "frame-ancestors 'none'");
    return reply.code(answer.statusCode).send(answer.rawPayload);
  }

  function showLogin(reply: FastifyReply, status: number, problem: string | null): FastifyReply {
    reply.header('content-security-policy', PAGE_POLICY);
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(loginPage(`${shownBase}/login`, problem));
  }

  /** @returns an access token of somebody who may see the board */
  async function admit(form: URLSearchParams, request: FastifyRequest) {
    const credentials = { email: form.get('email') ?? '', password: form.get('password') ?? '' };
    const session = await signIn(credentials, originOf(request));
    const { role } = await bearer(session.accessToken);
    if (!ADMINS.some((each) => each === role)) throw commonErrors.forbidden();
    return session;
  }

  function cookie(value: string, maxAge: number, request: FastifyRequest): string {
    const secure = publicAddress.isTls || request.protocol === 'https' ? '; Secure' : '';
    return `${COOKIE}=${value}; Path=${shownBase}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
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
      if (!form.get('email') || !form.get('password')) return showLogin(reply, 422, 'E-mail and password are needed.');
      try {
        const { accessToken, expiresIn } = await admit(form, request);
        reply.header('set-cookie', cookie(accessToken, expiresIn, request));
        return reply.redirect(BASE, 303);
      } catch (error) {
        const status = isAppError(error) ? STATUS[error.kind] : undefined;
        if (status === undefined) throw error;
        return showLogin(reply, status, (error as AppError).message);
      }
    });

    // A link, because the board has no button for it: whoever makes somebody follow it signs them out, no more.
    app.get('/logout', open, async (request, reply) => {
      reply.header('set-cookie', cookie('', 0, request));
      return reply.redirect(`${BASE}/login`, 303);
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

function cookieOf(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) || undefined;
}

/** @throws AppError `forbidden` for a change that a browser asks for on behalf of another site's page */
function refuseForeign(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  const isForeign =
    site === undefined
      ? origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host)
      : site !== 'same-origin' && site !== 'none';
  if (isForeign) throw commonErrors.forbidden({ detail: 'This was asked for by a page of another site.' });
}
