import { expect, test } from 'vitest';
import { cannotOpen, troubleOf } from './sqlite-errors.ts';

const FILE = '/data/core.db';

/** https://www.sqlite.org/rescode.html */
test.each([
  [13, 'full', /^The disk of \/data\/core\.db is full/],
  [10, 'failing', /^The disk of \/data\/core\.db fails/],
  [266, 'failing', /^The disk of \/data\/core\.db fails/],
  [778, 'failing', /^The disk of \/data\/core\.db fails/],
  [4874, 'failing', /^The disk of \/data\/core\.db fails/],
  [8, 'read-only', /read-only/],
  [11, 'damaged', /restore a backup/],
  [26, 'damaged', /restore a backup/],
  [5, 'busy', /in use by another process/],
  [261, 'busy', /in use by another process/],
  [516, 'busy', /in use/],
  [14, 'closed', /cannot be opened/],
])('result code %i is %s, and unavailable to clients, who are told nothing of files', (errcode, kind, message) => {
  const trouble = troubleOf(FILE, { message: 'driver text', errcode });
  expect(trouble).toMatchObject({ kind, message: expect.stringMatching(message), lasts: kind !== 'busy' });
  const error = trouble?.toAppError();
  expect(error).toMatchObject({ kind: 'unavailable', code: 'unavailable' });
  expect(error?.message).not.toMatch(/core\.db|disk|driver text/);
  expect(cannotOpen(FILE, { message: 'driver text', errcode }).message).toBe(trouble?.message);
});

test.each([1, 19, 2067, 787, 0])('result code %i is the statement’s fault', (errcode) => {
  expect(troubleOf(FILE, { message: 'x', errcode })).toBeNull();
});
