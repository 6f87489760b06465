import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import type { SqlStoreFactory } from './sql.contract.ts';

export interface SqlProcessesFactory extends SqlStoreFactory {
  /** The adapter's module, for another process. */
  readonly module: URL;
  /** Code that makes the store with what the module exports, of a set called `migrations`. */
  readonly expression: string;
}

const PROCESSES = 3;
const WRITES = 50;

interface Tables {
  numbers: { n: number };
}

/** What every `SqlStore` does while other processes use the same database. */
export function sqlProcessesContract(name: string, createFactory: () => Promise<SqlProcessesFactory>): void {
  describe(`SqlStore among processes: ${name}`, () => {
    test('migrates once, and a transaction that reads and writes loses nothing', async () => {
      const factory = await createFactory();
      try {
        const ran = await Promise.all(Array.from({ length: PROCESSES }, () => runWriter(factory)));
        expect(ran.flat()).toEqual(['2026_01_01_01_numbers']);

        const store = factory.create({});
        await store.start?.(AbortSignal.timeout(10_000));
        const rows = await store.db<Tables>().selectFrom('numbers').select('n').orderBy('n').execute();
        await store.stop?.(AbortSignal.timeout(10_000));
        expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: PROCESSES * WRITES }, (_, index) => index));
      } finally {
        await factory.dispose();
      }
    }, 60_000);
  });
}

/** @returns the migrations that this process ran */
async function runWriter({ module, expression }: SqlProcessesFactory): Promise<readonly string[]> {
  const script = `
    const { ${expression.slice(0, expression.indexOf('('))} } = await import(${JSON.stringify(module.href)});
    const migrations = {
      '2026_01_01_01_numbers': { up: (db) => db.schema.createTable('numbers').addColumn('n', 'integer').execute() },
    };
    const store = ${expression};
    await store.start(AbortSignal.timeout(10_000));
    const ran = await store.migrate();
    for (let i = 0; i < ${WRITES}; i++) {
      await store.transaction(async (db) => {
        const [{ total }] = await db.selectFrom('numbers').select((eb) => eb.fn.countAll().as('total')).execute();
        await db.insertInto('numbers').values({ n: total }).execute();
      });
    }
    await store.stop(AbortSignal.timeout(10_000));
    console.log(JSON.stringify(ran));
  `;
  // A file: threads of a program that came as text cannot load theirs.
  const folder = temporaryFolder();
  const program = join(folder.path, 'writer.mjs');
  writeFileSync(program, script);
  try {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    return JSON.parse(await text(child.stdout)) as string[];
  } finally {
    folder.remove();
  }
}
