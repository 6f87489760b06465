import { describe, expect, test } from 'vitest';
import { AppError, commonErrors, defineErrors, isAppError } from './errors.ts';

describe('errors', () => {
  const errors = defineErrors({
    thing_taken: ['conflict', 'Another thing has this name.'],
    thing_away: ['unavailable', 'Things are away.'],
  });

  test('a catalogue gives one factory a code', () => {
    const error = errors.thing_taken();
    expect(error).toBeInstanceOf(AppError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'AppError',
      kind: 'conflict',
      code: 'thing_taken',
      message: 'Another thing has this name.',
      details: {},
    });
    expect('cause' in error).toBe(false);
    expect(Object.keys(errors)).toEqual(['thing_taken', 'thing_away']);
  });

  test('detail, details and cause can be given', () => {
    const cause = new Error('disk');
    const error = errors.thing_away({ detail: 'Things are on holiday.', details: { retryAfterSeconds: 3 }, cause });
    expect(error).toMatchObject({ message: 'Things are on holiday.', details: { retryAfterSeconds: 3 }, cause });
  });

  test('each call is a new error with its own stack', () => {
    expect(errors.thing_taken()).not.toBe(errors.thing_taken());
    expect(errors.thing_taken().stack).toContain('errors.test');
  });

  test('only an AppError is one', () => {
    expect(isAppError(commonErrors.not_found())).toBe(true);
    for (const other of [new Error('x'), { kind: 'conflict', code: 'x' }, null, undefined, 'x']) {
      expect(isAppError(other)).toBe(false);
    }
  });
});
