import { useSyncExternalStore } from 'react';
import type { components } from '#console/api/schema.d.ts';
import { BASE } from '#console/app/base.ts';

export type User = components['schemas']['User'];
export type Role = User['role'];

export interface Tokens {
  readonly access_token: string;
  /** Seconds. */
  readonly expires_in: number;
}

/** The refresh token is kept in a cookie that no script can read. For every request that answers tokens. */
export const COOKIE_HEADER = { 'x-refresh-cookie': '1' } as const;

type Session =
  | { readonly status: 'unknown' | 'signed_out'; readonly user: null; readonly token: null }
  | { readonly status: 'signed_in'; readonly user: User; readonly token: string };

const SIGNED_OUT = { status: 'signed_out', user: null, token: null } as const;
/** Kept while somebody is signed in: whether there is a cookie to ask with, and what other tabs hear of. */
const KEY = 'core-api.signed-in';
/** How long before its end an access token is renewed. */
const EARLY_MS = 60_000;
const LEVEL: Readonly<Record<string, number>> = { SUPERADMIN: 4, ADMIN: 3, MANAGER: 2, USER: 1, DEVICE: 0 };

// Whoever has never signed in here has nothing to ask for.
let session: Session = localStorage.getItem(KEY) === null ? SIGNED_OUT : { status: 'unknown', user: null, token: null };
const listeners = new Set<() => void>();

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

/** @returns null when that is refused; @throws when the server does not say so, or a proxy speaks for it meanwhile */
async function answerOf<Answer>(path: string, init: RequestInit): Promise<Answer | null> {
  const response = await fetch(`${BASE}${path}`, init);
  if (response.ok) return (await response.json()) as Answer;
  const isOurs = (response.headers.get('content-type') ?? '').includes('json');
  if (isOurs && [401, 403].includes(response.status)) return null;
  throw new Error(`${path}: ${response.status}`);
}

/** @returns null when the session is over; @throws when the server cannot be reached */
async function redeem(): Promise<Tokens | null> {
  if (localStorage.getItem(KEY) === null) return null;
  return await answerOf<Tokens>('/api/v1/auth/refresh', { method: 'POST', headers: COOKIE_HEADER });
}

let renewal: ReturnType<typeof setTimeout> | undefined;

function renewBefore(expiresIn: number): void {
  clearTimeout(renewal);
  // One that fails is made up for by the next request that is refused.
  const renew = () => void refresh().catch(() => {});
  renewal = setTimeout(renew, Math.max(expiresIn * 1_000 - EARLY_MS, EARLY_MS / 2));
}

let refreshing: Promise<string | null> | null = null;

/** A new access token, once for all who ask meanwhile. Another tab that does the same gets the same successor. */
export function refresh(): Promise<string | null> {
  refreshing ??= redeem()
    .then((tokens) => (tokens === null ? end() : begin(tokens)))
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

/** Takes over the tokens of a login. @returns the access token, or null when they are good for nothing */
export async function begin(tokens: Tokens): Promise<string | null> {
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const user = await answerOf<User>('/api/v1/users/me', { headers });
  if (user === null) return end();
  localStorage.setItem(KEY, '1');
  renewBefore(tokens.expires_in);
  become({ status: 'signed_in', user, token: tokens.access_token });
  return tokens.access_token;
}

export function end(): null {
  clearTimeout(renewal);
  localStorage.removeItem(KEY);
  become(SIGNED_OUT);
  return null;
}

export const accessToken = (): string | null => session.token;

export function changeUser(user: User): void {
  if (session.status === 'signed_in') become({ ...session, user });
}

// A tab that signs out signs the others out, and one that signs in takes them along.
addEventListener('storage', (event) => {
  if (event.key !== KEY) return;
  if (event.newValue === null) end();
  else if (session.status === 'signed_out') void refresh().catch(() => {});
});

export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => session,
  );
}

/** The signed-in user of a page that nobody else sees. */
export function useUser(): User {
  const { user } = useSession();
  if (user === null) throw new Error('nobody is signed in');
  return user;
}

/** Whether a role is at least another one. */
export const isAtLeast = (role: Role, least: Role): boolean => (LEVEL[role] ?? 0) >= (LEVEL[least] ?? 0);
