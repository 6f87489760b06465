import { useSyncExternalStore } from 'react';
import type { components } from '#console/api/schema.d.ts';
import { BASE } from '#console/app/base.ts';

export type User = components['schemas']['User'];
export type Role = User['role'];

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

type Session =
  | { readonly status: 'unknown' | 'signed_out'; readonly user: null; readonly token: null }
  | { readonly status: 'signed_in'; readonly user: User; readonly token: string };

const SIGNED_OUT = { status: 'signed_out', user: null, token: null } as const;
const KEY = 'core-api.refresh-token';
const LEVEL: Readonly<Record<string, number>> = { SUPERADMIN: 4, ADMIN: 3, MANAGER: 2, USER: 1, DEVICE: 0 };

let session: Session = { status: 'unknown', user: null, token: null };
const listeners = new Set<() => void>();

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

/** @returns null when the session is over; @throws when the server cannot be reached */
async function redeem(): Promise<Tokens | null> {
  const refreshToken = localStorage.getItem(KEY);
  if (refreshToken === null) return null;
  const response = await fetch(`${BASE}/api/v1/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: refreshToken }),
  });
  if (response.status >= 500 || response.status === 429) throw new Error(`refresh: ${response.status}`);
  return response.ok ? ((await response.json()) as Tokens) : null;
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
  localStorage.setItem(KEY, tokens.refresh_token);
  const me = await fetch(`${BASE}/api/v1/users/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  if (!me.ok) return end();
  become({ status: 'signed_in', user: (await me.json()) as User, token: tokens.access_token });
  return tokens.access_token;
}

export function end(): null {
  localStorage.removeItem(KEY);
  become(SIGNED_OUT);
  return null;
}

export const accessToken = (): string | null => session.token;

export function changeUser(user: User): void {
  if (session.status === 'signed_in') become({ ...session, user });
}

// A tab that signs out signs the others out.
addEventListener('storage', (event) => {
  if (event.key === KEY && event.newValue === null) become(SIGNED_OUT);
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
