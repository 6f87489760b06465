import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAppError } from './errors.ts';
import { parseSort, toPage } from './pagination.ts';

describe('toPage', () => {
  test.each([
    [0, 20, 0],
    [1, 20, 1],
    [20, 20, 1],
    [21, 20, 2],
    [100, 1, 100],
  ])('%i items of %i a page are %i pages', (total, size, pages) => {
    expect(toPage(['x'], total, { page: 3, size })).toEqual({ items: ['x'], total, page: 3, size, pages });
  });
});

describe('parseSort', () => {
  const allowed = ['name', 'created_at'] as const;
  const fallback = [{ field: 'name', direction: 'asc' }] as const;

  test.each([
    [undefined, fallback],
    ['', fallback],
    ['name', [{ field: 'name', direction: 'asc' }]],
    ['-created_at', [{ field: 'created_at', direction: 'desc' }]],
    [
      '-created_at,name',
      [
        { field: 'created_at', direction: 'desc' },
        { field: 'name', direction: 'asc' },
      ],
    ],
  ])('%j', (sort, terms) => {
    expect(parseSort(sort, allowed, fallback)).toEqual(terms);
  });

  test.each([
    ['secret', 'secret'],
    ['-secret', 'secret'],
    ['name,', ''],
    [',', ''],
    ['-', ''],
    ['--name', '-name'],
    ['name, created_at', ' created_at'],
    ['Name', 'Name'],
    ['__proto__', '__proto__'],
    ['name;drop table', 'name;drop table'],
  ])('%j names no field that is allowed: %j', (sort, unknownField) => {
    const message = expect.stringContaining(unknownField === '' ? 'a field is missing' : `"${unknownField}"`);
    expect(() => parseSort(sort, allowed, fallback)).toThrow(
      expect.objectContaining({
        code: 'invalid_sort',
        details: { fields: [{ path: '/query/sort', message }] },
      }),
    );
  });

  /** Null: refused. */
  function sorted(sort: string) {
    try {
      return parseSort(sort, allowed, fallback);
    } catch (error) {
      if (!isAppError(error)) throw error;
      return null;
    }
  }

  test('whatever is given, only allowed fields come out', () => {
    fc.assert(
      fc.property(fc.string(), (sort) => {
        const terms = sorted(sort);
        return terms === null || terms.every(({ field }) => allowed.includes(field));
      }),
    );
  });

  test('what is written is what is read', () => {
    const term = fc.record({ field: fc.constantFrom(...allowed), direction: fc.constantFrom('asc', 'desc') });
    fc.assert(
      fc.property(fc.array(term, { minLength: 1 }), (terms) => {
        const sort = terms.map(({ field, direction }) => `${direction === 'desc' ? '-' : ''}${field}`).join(',');
        expect(parseSort(sort, allowed, [])).toEqual(terms);
      }),
    );
  });
});
