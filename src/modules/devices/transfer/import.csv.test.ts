import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAppError } from '#kernel/errors.ts';
import { CSV_COLUMNS } from './csv.columns.ts';
import { readDeviceCsv } from './import.csv.ts';

test('reads back whatever a spreadsheet writes', async () => {
  // Trimmed, because blanks around a cell are not part of it.
  const cell = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.trim() || 'x');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ name: cell, device_type: cell }), { minLength: 1 }), async (rows) => {
      const file = stringify(rows, { header: true, quoted: true });
      expect(await readDeviceCsv(Buffer.from(file), 100)).toEqual(rows.map((value) => ({ value, errors: [] })));
    }),
  );
});

test('survives any bytes: rows of known columns, or device_import_unreadable', async () => {
  const header = Buffer.from('name,device_type,metadata\n');
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 300 }), async (withHeader, bytes) => {
      const file = withHeader ? Buffer.concat([header, bytes]) : Buffer.from(bytes);
      try {
        for (const row of await readDeviceCsv(file, 50)) {
          for (const [field, cell] of Object.entries(row.value as object)) {
            expect(CSV_COLUMNS.some((column) => column === field)).toBe(true);
            if (typeof cell === 'string') expect(cell.isWellFormed()).toBe(true);
          }
        }
      } catch (error) {
        expect(isAppError(error) && error.code).toBe('device_import_unreadable');
      }
    }),
    { numRuns: 300 },
  );
});

test('keeps a character whole that lies across two slices', async () => {
  const row = { name: '가'.repeat(50), device_type: '나'.repeat(60) };
  const rows = Array.from({ length: 500 }, () => row);
  const file = Buffer.from(stringify(rows, { header: true }));
  expect(file.length).toBeGreaterThan(2 * 64 * 1024);
  expect((await readDeviceCsv(file, 1_000)).map(({ value }) => value)).toEqual(rows);
});

test('stops reading after one row too many', async () => {
  const file = Buffer.from(`name,device_type\n${'a,b\n'.repeat(100_000)}`);
  expect(await readDeviceCsv(file, 10)).toHaveLength(11);
});
