import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';
import { MIGRATIONS } from '../../migrations.ts';
import { refuseMoveTarget, sqlMoveNotes } from '../../unfinished-move.ts';
import { canonical } from './checksum.ts';
import { finishRelational, moveRelational } from './relational.ts';

interface Tables {
  device_groups: { id?: number; name: string; created_at: number; updated_at: number };
}

async function openEmpty(): Promise<SqlStore> {
  const store = createSqliteStore({ file: ':memory:', migrations: MIGRATIONS });
  await store.start?.(AbortSignal.timeout(5_000));
  await store.migrate();
  return store;
}

describe('a move of tables', () => {
  let source: SqlStore;
  let target: SqlStore;
  beforeEach(async () => {
    source = await openEmpty();
    target = await openEmpty();
  });
  afterEach(async () => {
    for (const store of [source, target]) await store.stop?.(AbortSignal.timeout(5_000));
  });

  const addGroups = (first: number, count: number, store = source) =>
    store
      .db<Tables>()
      .insertInto('device_groups')
      .values(Array.from({ length: count }, (_, n) => ({ name: `g${first + n}`, created_at: 1, updated_at: 1 })))
      .execute();
  const move = (into = target) =>
    moveRelational({
      source,
      target: into,
      sourceName: 'one',
      targetName: 'the other',
      migrations: MIGRATIONS,
      progress: { step: () => {} },
    });
  /** Loses its connection after some writes. */
  function failingAfter(writes: number): SqlStore {
    let left = writes;
    const write: SqlStore['transfer']['write'] = async (...args) => {
      if (left === 0) throw new Error('cut off');
      left -= 1;
      await target.transfer.write(...args);
    };
    return { ...target, transfer: { ...target.transfer, write } };
  }
  const differing = async () => (await move()).filter((each) => each.source !== each.target).map((each) => each.what);

  test('takes every table that the migrations make', async () => {
    await addGroups(1, 3);
    const moved = (await move()).map(({ what }) => what.replace('table ', ''));
    const made = (await source.db().introspection.getTables()).map(({ name }) => name);
    expect(moved.toSorted()).toEqual(made.filter((name) => name !== 'transfer_note').toSorted());
  });

  test('goes on where it was cut off, also in the middle of a table', async () => {
    await addGroups(1, 1_200);
    await expect(move(failingAfter(2))).rejects.toThrow('cut off');
    expect(await differing()).toEqual([]);
    await finishRelational({ source, target });
    expect(await source.transfer.readNote()).toBeNull();
    expect(await target.transfer.readNote()).toBeNull();
  });

  test('has its note in the target before anything is changed there, and begins again when it was cut off then', async () => {
    await addGroups(1, 10);
    const { clear } = target.transfer;
    const cutOff = { ...target, transfer: { ...target.transfer, clear: () => Promise.reject(new Error('cut off')) } };
    await expect(move(cutOff)).rejects.toThrow('cut off');
    await expect(refuseMoveTarget('database', sqlMoveNotes(target))).rejects.toThrow('run npm run core -- move again');
    let cleared = 0;
    const counted = {
      ...target,
      transfer: {
        ...target.transfer,
        clear: (tables: Parameters<typeof clear>[0]) => {
          cleared += 1;
          return clear(tables);
        },
      },
    };
    await move(counted);
    expect(cleared).toBe(1);
    expect(await differing()).toEqual([]);
    await finishRelational({ source, target });
    await refuseMoveTarget('database', sqlMoveNotes(target));
  });

  test('notices a source that changed while the move was interrupted', async () => {
    await addGroups(1, 1_200);
    await expect(move(failingAfter(2))).rejects.toThrow('cut off');
    await source.db<Tables>().updateTable('device_groups').set({ name: 'renamed' }).where('id', '=', 1).execute();
    expect(await differing()).toEqual(['table device_groups']);
  });

  test('takes nothing from a second source, and nothing from a store that is being filled', async () => {
    await addGroups(1, 1_200);
    await expect(move(failingAfter(1))).rejects.toThrow('cut off');
    const second = await openEmpty();
    await addGroups(1, 1, second);
    const rest = { migrations: MIGRATIONS, progress: { step: () => {} }, sourceName: 'one', targetName: 'the other' };
    await expect(moveRelational({ ...rest, source: second, target })).rejects.toThrow('another installation');
    await expect(moveRelational({ ...rest, source: target, target: second })).rejects.toThrow(
      'A move into one was not finished',
    );
    await second.stop?.(AbortSignal.timeout(5_000));
  });

  test('refuses an empty source and a target that is not', async () => {
    await expect(move()).rejects.toThrow('There is no installation in one');
    await addGroups(1, 1);
    await addGroups(1, 1, target);
    await expect(move()).rejects.toThrow('The other is not empty (table device_groups: 1 rows)');
  });
});

test('a record has one text, however its keys are ordered', () => {
  expect(canonical({ b: [1, { d: null, c: '"' }], a: undefined, e: new Uint8Array([1, 2]) })).toBe(
    '{"b":[1,{"c":"\\"","d":null}],"e":{"base64":"AQI="}}',
  );
});
