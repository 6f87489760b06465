import { client } from '#console/api/client.ts';
import { isProblem } from '#console/api/problem.ts';
import { begin, COOKIE_HEADER, type Tokens } from './session.ts';

interface Answer {
  readonly data?: Tokens | undefined;
  readonly error?: unknown;
}

/** Signs in with an answer of the API. @throws its problem */
export async function enter({ data, error }: Answer): Promise<void> {
  if (data === undefined) throw error;
  await begin(data);
}

/** The ticket of a sign-in that wants a second factor as well; null: another problem. */
export function ticketOf(error: unknown): string | null {
  if (!isProblem(error) || error.code !== 'second_factor_required') return null;
  return error.ticket ?? null;
}

const VERIFIER = 'core-api.oauth-verifier';
const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** Goes to a provider; the code that it comes back with is good in this tab alone (RFC 7636). @param url as the API lists it */
export async function leaveFor(url: string): Promise<void> {
  const address = new URL(url);
  address.searchParams.set('return_to', 'console');
  // Browsers hash only on pages that came by TLS, or from this machine.
  const verifier = globalThis.crypto.subtle === undefined ? '' : base64url(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem(VERIFIER, verifier);
  if (verifier !== '') {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    address.searchParams.set('code_challenge', base64url(new Uint8Array(digest)));
  }
  location.assign(address);
}

/** What the address brings: the code of a provider or of a printed link, or why a provider refused. */
export interface Arrival {
  readonly code: string | null;
  readonly error: string | null;
  /** Null: there is none to show. */
  readonly verifier: string | null;
}

const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

/** Reads the address once, and takes out of it what is good once. */
export function readArrival(): Arrival {
  const { searchParams, hash, pathname, hostname } = new URL(location.href);
  const verifier = sessionStorage.getItem(VERIFIER);
  // A link that signs in whoever follows it could be made by somebody else: only on this machine, where `demo` prints it.
  const printed = LOCAL.includes(hostname) ? new URLSearchParams(hash.slice(1)).get('code') : null;
  const returned = verifier === null ? null : searchParams.get('code');
  const error = searchParams.get('error');
  if (printed !== null || searchParams.has('code') || error !== null) history.replaceState(null, '', pathname);
  if (printed !== null) return { code: printed, error, verifier: null };
  sessionStorage.removeItem(VERIFIER);
  return { code: returned, error, verifier: verifier || null };
}

/** @throws the problem that the API answered: `second_factor_required` among them */
export async function redeem({ code, verifier }: Arrival): Promise<void> {
  const body = { code: code ?? '', ...(verifier === null ? {} : { code_verifier: verifier }) };
  await enter(await client.POST('/api/v1/auth/oauth/token', { body, params: { header: COOKIE_HEADER } }));
}
