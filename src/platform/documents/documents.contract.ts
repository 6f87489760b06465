import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  DocumentCollection,
  DocumentQuery,
  DocumentSearchQuery,
  DocumentStore,
  StoredDocument,
} from './documents.port.ts';

interface Note extends StoredDocument {
  readonly owner: number;
  readonly kind: string;
  readonly is_read: boolean;
  readonly at: number;
  readonly body: unknown;
}

export interface DocumentsHarness {
  /** A store that is not started; `now` is what its clock says. */
  create(now: () => number): Promise<DocumentStore>;
  close(): Promise<void>;
}

const DAY = 86_400_000;
const signal = () => AbortSignal.timeout(60_000);

/** The specification of `DocumentStore`; every adapter passes it unchanged. */
export function documentsContract(name: string, open: () => Promise<DocumentsHarness>): void {
  describe(`document store: ${name}`, () => {
    let harness: DocumentsHarness;
    let store: DocumentStore;
    let notes: DocumentCollection<Note>;
    let owner = 0;
    const note = (id: string, at: number, more: Partial<Note> = {}): Note => ({
      id: `${owner}-${id}`,
      owner,
      kind: 'a',
      is_read: false,
      at,
      body: null,
      ...more,
    });
    const ids = (found: readonly Note[]) => found.map((each) => each.id.split('-')[1]);

    beforeAll(async () => {
      harness = await open();
      store = await harness.create(() => 100 * DAY);
      notes = store.collection<Note>({
        name: 'notes',
        indexes: [
          ['owner', 'at'],
          ['owner', 'is_read', 'at'],
        ],
      });
      await store.start?.(signal());
    });
    afterAll(async () => {
      await store.stop?.(signal());
      await harness.close();
    });

    test('a document comes back as it was, whatever is nested in it', async () => {
      owner += 1;
      const body = { list: [1, 'two', null, { deep: true }], text: '한글 "quotes" \n' };
      expect(await notes.insertMany([note('1', 5, { body })])).toEqual([true]);
      expect(await notes.findById(`${owner}-1`)).toEqual(note('1', 5, { body }));
      expect(await notes.findById('nobody')).toBeNull();
    });

    test('an id that is there is not inserted again and says so by index', async () => {
      owner += 1;
      await notes.insertMany([note('1', 1)]);
      expect(await notes.insertMany([note('0', 0), note('1', 99), note('2', 2), note('2', 3)])).toEqual([
        true,
        false,
        true,
        false,
      ]);
      expect(await notes.findById(`${owner}-1`)).toMatchObject({ at: 1 });
      expect(await notes.insertMany([])).toEqual([]);
    });

    test('filters, ranges, order and continuation', async () => {
      owner += 1;
      await notes.insertMany([
        note('a', 10),
        note('b', 20, { kind: 'x' }),
        note('c', 20),
        note('d', 30, { is_read: true }),
        note('e', 40),
      ]);
      const sort = { field: 'at', direction: 'desc' } as const;
      expect(ids(await notes.list({ filter: { owner }, sort, limit: 10 }))).toEqual(['e', 'd', 'c', 'b', 'a']);
      expect(ids(await notes.list({ filter: { owner, kind: 'x' }, sort, limit: 10 }))).toEqual(['b']);
      expect(ids(await notes.list({ filter: { owner, is_read: true }, sort, limit: 10 }))).toEqual(['d']);
      expect(
        ids(await notes.list({ filter: { owner }, range: { field: 'at', from: 20, to: 40 }, sort, limit: 10 })),
      ).toEqual(['d', 'c', 'b']);
      expect(ids(await notes.list({ filter: { owner }, sort, limit: 2, skip: 2 }))).toEqual(['c', 'b']);
      expect(ids(await notes.list({ filter: { owner }, sort, limit: 2, skip: 5 }))).toEqual([]);
      for (const direction of ['asc', 'desc'] as const) {
        const seen: Note[] = [];
        for (;;) {
          const last = seen.at(-1);
          const page = await notes.list({
            filter: { owner },
            sort: { field: 'at', direction },
            limit: 2,
            ...(last === undefined ? {} : { after: { value: last.at, id: last.id } }),
          });
          if (page.length === 0) break;
          seen.push(...page);
        }
        expect(ids(seen)).toEqual(direction === 'asc' ? ['a', 'b', 'c', 'd', 'e'] : ['e', 'd', 'c', 'b', 'a']);
      }
    });

    test('a filter takes several values, null among them', async () => {
      owner += 1;
      await notes.insertMany([
        note('a', 10),
        note('b', 20, { kind: 'x' }),
        note('c', 30, { kind: 'y', is_read: true }),
        note('d', 40, { kind: null as never }),
      ]);
      const sort = { field: 'at', direction: 'asc' } as const;
      const of = async (filter: NonNullable<DocumentQuery['filter']>) =>
        ids(await notes.list({ filter: { owner, ...filter }, sort, limit: 10 })).join('');
      expect(await of({ kind: ['x', 'y', 'nothing'] })).toBe('bc');
      expect(await of({ kind: ['x', null] })).toBe('bd');
      expect(await of({ kind: ['a'], is_read: [true, false] })).toBe('a');
      expect(await of({ kind: [] })).toBe('');
      expect(await of({ id: [`${owner}-a`, `${owner}-d`] })).toBe('ad');
      expect(await notes.count({ filter: { owner, kind: ['x', 'y'] } })).toBe(2);
    });

    test('text is looked for in the newest that match, whatever the case, and no character means more than itself', async () => {
      owner += 1;
      await notes.insertMany([
        note('a', 50, { kind: 'Needle', is_read: true }),
        note('b', 20, { kind: 'a needle' }),
        note('c', 30, { kind: '100%_.*$kind' }),
        note('d', 40, { body: 'NEEDLE 한글' }),
        note('e', 10, { kind: 'needle' }),
      ]);
      const contains = (text: string, most = 10) => ({ fields: ['kind', 'body'], text, newestBy: 'at', most });
      const sort = { field: 'at', direction: 'asc' } as const;
      const found = async (query: DocumentSearchQuery) => {
        const items = await notes.list({ ...query, sort, limit: 10 });
        expect(await notes.count(query)).toBe(items.length);
        return ids(items).join('');
      };
      const filter = { owner };
      expect(await found({ filter, contains: contains('nEEdle') })).toBe('ebda');
      expect(await found({ filter, contains: contains('한글') })).toBe('d');
      for (const text of ['%', '_', '.*', '$kind', '100%_']) {
        expect([text, await found({ filter, contains: contains(text) })]).toEqual([text, 'c']);
      }
      expect(await found({ filter, contains: contains('nothing') })).toBe('');
      // Of the three newest; of the three newest that are unread; of a range.
      expect(await found({ filter, contains: contains('needle', 3) })).toBe('da');
      expect(await found({ filter: { owner, is_read: false }, contains: contains('needle', 3) })).toBe('bd');
      expect(await found({ filter, range: { field: 'at', from: 15, to: 45 }, contains: contains('needle') })).toBe(
        'bd',
      );
      expect(await found({ filter: { owner, id: [`${owner}-a`, `${owner}-b`] }, contains: contains('needle') })).toBe(
        'ba',
      );
      const page = { filter, contains: contains('needle'), sort, limit: 2 };
      expect(ids(await notes.list({ ...page, skip: 1 })).join('')).toBe('bd');
      expect(ids(await notes.list({ ...page, after: { value: 20, id: `${owner}-b` } })).join('')).toBe('da');
    });

    test('counting, updating and removing touch what matches and nothing else', async () => {
      owner += 1;
      await notes.insertMany([note('a', 1), note('b', 2), note('c', 3, { kind: 'x' })]);
      expect(await notes.count({ filter: { owner } })).toBe(3);
      expect(await notes.updateMany({ filter: { owner, kind: 'a' } }, { is_read: true, body: { seen: [1] } })).toBe(2);
      expect(await notes.findById(`${owner}-a`)).toEqual(note('a', 1, { is_read: true, body: { seen: [1] } }));
      expect(await notes.findById(`${owner}-c`)).toMatchObject({ is_read: false });
      expect(await notes.count({ filter: { owner, is_read: true } })).toBe(2);
      expect(await notes.removeMany({ filter: { owner }, range: { field: 'at', to: 2 } })).toBe(1);
      expect(await notes.count({ filter: { owner } })).toBe(2);
    });

    test('a scan goes through all documents by id, whatever else is in them', async () => {
      const scanned = await harness.create(() => 100 * DAY);
      const definition = { name: 'scanned', indexes: [['owner']] } as const;
      const things = scanned.collection<StoredDocument & { readonly owner?: number }>(definition);
      expect(scanned.definitions()).toEqual([definition]);
      await scanned.start?.(signal());
      expect(await things.scan(null, 10)).toEqual([]);
      await things.insertMany(['b', 'a', 'B', '0', 'ab'].map((id, index) => ({ id, owner: index })));
      await things.insertMany([{ id: 'c' }]);
      const seen: string[] = [];
      for (;;) {
        const page = await things.scan(seen.at(-1) ?? null, 4);
        if (page.length === 0) break;
        seen.push(...page.map(({ id }) => id));
      }
      expect(seen).toEqual(['0', 'B', 'a', 'ab', 'b', 'c']);
      expect(await things.scan('a', 1)).toEqual([{ id: 'ab', owner: 4 }]);
      await scanned.stop?.(signal());
    });

    test('expired documents are gone after a start, others stay', async () => {
      const later = await harness.create(() => 200 * DAY);
      const logs = later.collection<Note>({
        name: 'expiring',
        indexes: [],
        expiry: { field: 'at', afterMs: 90 * DAY },
      });
      await later.start?.(signal());
      await logs.insertMany([note('old', 109 * DAY), note('new', 111 * DAY)]);
      await later.stop?.(signal());
      const again = await harness.create(() => 200 * DAY);
      const reopened = again.collection<Note>({
        name: 'expiring',
        indexes: [],
        expiry: { field: 'at', afterMs: 90 * DAY },
      });
      await again.start?.(signal());
      expect(ids(await reopened.list({ sort: { field: 'at', direction: 'asc' }, limit: 10 }))).toEqual(['new']);
      await again.stop?.(signal());
    });

    test('a time that is set longer or shorter holds for what was written before', async () => {
      const start = async (afterDays: number, now: number) => {
        const store = await harness.create(() => now * DAY);
        const expiry = { field: 'at', afterMs: afterDays * DAY };
        const logs = store.collection<Note>({ name: 'prolonged', indexes: [], expiry });
        await store.start?.(signal());
        return { logs, stop: () => store.stop?.(signal()) };
      };
      const all = { sort: { field: 'at', direction: 'asc' }, limit: 10 } as const;
      const now = Date.now() / DAY;
      const first = await start(30, now);
      await first.logs.insertMany([note('early', (now - 20) * DAY), note('late', (now - 1) * DAY)]);
      await first.stop();
      const longer = await start(300, now + 100);
      expect(ids(await longer.logs.list(all))).toEqual(['early', 'late']);
      await longer.stop();
      const shorter = await start(10, now);
      expect(ids(await shorter.logs.list(all))).toEqual(['late']);
      await shorter.stop();
    });
  });
}
