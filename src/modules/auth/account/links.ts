import type { AccountMailKind } from './account.ports.ts';

export const LINK_LIFETIME_MS: Readonly<Record<AccountMailKind, number>> = {
  verify_email: 24 * 3_600_000,
  reset_password: 3_600_000,
};

/** In the fragment, which no server and no log sees. */
const PAGES: Readonly<Record<AccountMailKind, string>> = {
  verify_email: '/auth/verify-email#token=',
  reset_password: '/auth/reset-password#token=',
};

/** Where a person goes with a token, from a mail or from whoever hands it over. */
export function linkTo(publicUrl: string, kind: AccountMailKind, token: string): string {
  return `${publicUrl}${PAGES[kind]}${token}`;
}
