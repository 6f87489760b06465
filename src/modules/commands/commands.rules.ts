/*
 * The life of a command, without stores, brokers and clocks. A device acts on a command's id once, so what is sent again
 * changes nothing; each transition happens once, and a final state stays.
 *
 *              sent           PUBACK             progress
 *   QUEUED ──────────▶ SENT ──────────▶ DELIVERED ──────────▶ IN_PROGRESS
 *     │                  │                   │                    │
 *     └──────────────────┴───────────────────┴────────────────────┴──▶ SUCCEEDED, FAILED: the device's response
 *                                                                 ──▶ EXPIRED: by time
 *                                                                 ──▶ CANCELLED: by a person
 *     └──▶ REJECTED: `now`, and nobody listens
 *     └──────────────────┴───────────────────┴──▶ SUPERSEDED: by a newer one of that name with `latest_only`
 *
 * A response counts in every open state: it may overtake the PUBACK, and the process may have ended between sending and
 * storing that it was sent.
 */

export const OPEN_STATES = ['QUEUED', 'SENT', 'DELIVERED', 'IN_PROGRESS'] as const;
export const FINAL_STATES = ['SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'REJECTED', 'SUPERSEDED'] as const;
export const COMMAND_STATES = [...OPEN_STATES, ...FINAL_STATES] as const;

export type OpenState = (typeof OPEN_STATES)[number];
export type FinalState = (typeof FINAL_STATES)[number];
export type CommandState = OpenState | FinalState;

/** What can happen to a command. */
export type CommandSignal =
  | { readonly kind: 'sent' | 'delivered' | 'nobody_listens' | 'superseded' | 'cancelled' }
  /** `at` is epoch milliseconds. */
  | { readonly kind: 'time'; readonly at: number }
  /** From the device. `percent` is 0 to 100; null: it did not say. */
  | { readonly kind: 'progress'; readonly percent: number | null }
  | { readonly kind: 'response'; readonly isSuccess: boolean };

export interface CommandFacts {
  readonly state: CommandState;
  /** Of the last progress; null: none yet. */
  readonly progress: number | null;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface CommandChange {
  readonly state: CommandState;
  readonly progress: number | null;
}

export function isOpen(state: CommandState): state is OpenState {
  return OPEN_STATES.some((open) => open === state);
}

/** @returns what the command is afterwards; null: the signal changes nothing */
export function afterSignal(command: CommandFacts, signal: CommandSignal): CommandChange | null {
  const { state, progress } = command;
  if (!isOpen(state)) return null;
  const to = (next: CommandState): CommandChange => ({ state: next, progress });
  switch (signal.kind) {
    case 'sent':
      return state === 'QUEUED' ? to('SENT') : null;
    case 'delivered':
      // The PUBACK may come before it is stored that the command was sent.
      return state === 'QUEUED' || state === 'SENT' ? to('DELIVERED') : null;
    case 'progress': {
      const said = signal.percent ?? progress;
      return state === 'IN_PROGRESS' && said === progress ? null : { state: 'IN_PROGRESS', progress: said };
    }
    case 'response':
      return to(signal.isSuccess ? 'SUCCEEDED' : 'FAILED');
    case 'nobody_listens':
      return state === 'QUEUED' ? to('REJECTED') : null;
    case 'superseded':
      return state === 'IN_PROGRESS' ? null : to('SUPERSEDED');
    case 'cancelled':
      return to('CANCELLED');
    case 'time':
      return signal.at >= command.expiresAt ? to('EXPIRED') : null;
  }
}
