import { describe, expect, test } from 'vitest';
import { pageOfAll, type SmallListQuery } from './small-lists.ts';

interface Thing {
  readonly id: number;
  readonly name: string;
  readonly seen: number | null;
}

const THINGS: readonly Thing[] = [
  { id: 1, name: 'Pump', seen: 5 },
  { id: 2, name: 'lamp', seen: null },
  { id: 3, name: 'lamp', seen: 2 },
];

const idsOf = (query: Partial<SmallListQuery>) =>
  pageOfAll<Thing, 'id' | 'name' | 'seen'>(
    THINGS,
    { page: 1, size: 20, ...query },
    {
      fields: { id: ({ id }) => id, name: ({ name }) => name, seen: ({ seen }) => seen },
      searched: ({ name }) => [name, null],
      fallback: [{ field: 'id', direction: 'desc' }],
    },
  );

describe('a small list', () => {
  test.each([
    [{}, [3, 2, 1]],
    [{ sort: 'seen' }, [2, 3, 1]],
    [{ sort: '-seen' }, [1, 3, 2]],
    [{ sort: 'name,-id' }, [1, 3, 2]],
    [{ sort: 'name' }, [1, 2, 3]],
    [{ q: 'LAMP' }, [3, 2]],
    [{ q: '100%_!\\' }, []],
    [{ page: 2, size: 2 }, [1]],
    [{ page: 9 }, []],
  ])('%j', (query, ids) => {
    expect(idsOf(query).items.map(({ id }) => id)).toEqual(ids);
  });

  test('says how many there are', () => {
    expect(idsOf({ page: 2, size: 2, q: 'p' })).toMatchObject({ total: 3, page: 2, size: 2, pages: 2 });
  });

  test('cannot be sorted by anything else', () => {
    expect(() => idsOf({ sort: 'secret' })).toThrow(expect.objectContaining({ code: 'invalid_sort' }));
  });
});
