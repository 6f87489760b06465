import type { AppError } from '#kernel/errors.ts';
import type { UserAccess } from '#modules/users/index.ts';
import type { SingleUseToken } from '../single-use/single-use.ports.ts';
import type { SingleUseTokens } from '../single-use/single-use.service.ts';
import { twoFactorErrors } from './two-factor.errors.ts';

export const TICKET_LIFETIME_MS = 5 * 60_000;

export type SecondFactorTickets = ReturnType<typeof createSecondFactorTickets>;

/** Proof that the first credential of a sign-in was right, good for one sign-in with the second. */
export function createSecondFactorTickets({ tokens }: { readonly tokens: SingleUseTokens }) {
  return {
    /** @returns the error that asks for the second factor, with a ticket */
    async issue(
      { userId, tokensValidAfter }: UserAccess,
      credentialsReadAt: number,
      method: string,
    ): Promise<AppError> {
      const ticket = await tokens.issue({
        userId,
        purpose: 'second_factor',
        lifetimeMs: TICKET_LIFETIME_MS,
        method,
        // What ends the user's sessions after the first credential was read ends this too.
        createdAt: Math.max(credentialsReadAt, tokensValidAfter),
      });
      return twoFactorErrors.second_factor_required({ details: { ticket } });
    },

    /** Null: it was used, has expired, or never was. */
    find: (ticket: string): Promise<SingleUseToken | null> => tokens.find(ticket, 'second_factor'),
  };
}
