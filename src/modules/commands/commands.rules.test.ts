import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterSignal,
  COMMAND_STATES,
  type CommandFacts,
  type CommandSignal,
  type CommandState,
  isOpen,
  OPEN_STATES,
} from './commands.rules.ts';

const EXPIRES = 1_000;
const signal: fc.Arbitrary<CommandSignal> = fc.oneof(
  fc.constantFrom('sent', 'delivered', 'nobody_listens', 'superseded', 'cancelled').map((kind) => ({ kind })),
  fc.integer({ min: 0, max: 2 * EXPIRES }).map((at) => ({ kind: 'time' as const, at })),
  fc.option(fc.integer({ min: 0, max: 100 })).map((percent) => ({ kind: 'progress' as const, percent })),
  fc.boolean().map((isSuccess) => ({ kind: 'response' as const, isSuccess })),
) as fc.Arbitrary<CommandSignal>;

/** The arrows of the diagram, skipped states included: a step may be stored later than the one behind it. */
const ARROWS: Readonly<Record<string, readonly CommandState[]>> = {
  QUEUED: ['SENT', 'DELIVERED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'REJECTED', 'SUPERSEDED'],
  SENT: ['DELIVERED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED'],
  DELIVERED: ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED'],
  IN_PROGRESS: ['SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED'],
};

describe('whatever happens to a command', () => {
  test('it follows the diagram, enters a state once, and stays where it has ended', () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 30 }), (signals) => {
        let command: CommandFacts = { state: 'QUEUED', progress: null, expiresAt: EXPIRES };
        const history: CommandState[] = ['QUEUED'];
        for (const each of signals) {
          const change = afterSignal(command, each);
          if (change === null) continue;
          expect(isOpen(command.state)).toBe(true);
          if (change.state !== command.state) {
            expect(ARROWS[command.state]).toContain(change.state);
            history.push(change.state);
          } else expect(change.state).toBe('IN_PROGRESS');
          command = { ...command, ...change };
        }
        expect(new Set(history).size).toBe(history.length);
        // A path of the diagram, of which at most the last state is final.
        expect(history.slice(0, -1).every(isOpen)).toBe(true);
      }),
    );
  });

  test('the same signal again changes nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...COMMAND_STATES), signal, (state, each) => {
        const command: CommandFacts = { state, progress: null, expiresAt: EXPIRES };
        const once = afterSignal(command, each);
        if (once === null) return;
        expect(afterSignal({ ...command, ...once }, each)).toBeNull();
      }),
    );
  });

  test.each(OPEN_STATES)('%s: time ends it, and so does a response, whatever came before', (state) => {
    const command: CommandFacts = { state, progress: null, expiresAt: EXPIRES };
    expect(afterSignal(command, { kind: 'time', at: EXPIRES - 1 })).toBeNull();
    expect(afterSignal(command, { kind: 'time', at: EXPIRES })?.state).toBe('EXPIRED');
    expect(afterSignal(command, { kind: 'response', isSuccess: true })?.state).toBe('SUCCEEDED');
    expect(afterSignal(command, { kind: 'response', isSuccess: false })?.state).toBe('FAILED');
  });
});

test('a response that overtakes the PUBACK counts, and the PUBACK after it changes nothing', () => {
  const sent: CommandFacts = { state: 'SENT', progress: null, expiresAt: EXPIRES };
  const answered = afterSignal(sent, { kind: 'response', isSuccess: true });
  expect(answered).toEqual({ state: 'SUCCEEDED', progress: null });
  expect(afterSignal({ ...sent, ...answered }, { kind: 'delivered' })).toBeNull();
});

test('what a device is at work on is not superseded', () => {
  const working: CommandFacts = { state: 'IN_PROGRESS', progress: 40, expiresAt: EXPIRES };
  expect(afterSignal(working, { kind: 'superseded' })).toBeNull();
  expect(afterSignal(working, { kind: 'progress', percent: 40 })).toBeNull();
  expect(afterSignal(working, { kind: 'progress', percent: null })).toBeNull();
  expect(afterSignal(working, { kind: 'progress', percent: 50 })).toEqual({ state: 'IN_PROGRESS', progress: 50 });
});
