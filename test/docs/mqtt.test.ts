import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REJECT_REASONS } from '#test/support/payloads.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/mqtt.md'), 'utf8');

test('the guide for devices explains every reason of the ledger, and no other', () => {
  const [, table = ''] = guide.split('| reason | |');
  const rows = table.split('\n\n')[0]?.split('\n') ?? [];
  const explained = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([a-z_0-9]+)`/g)].map(([, name]) => name),
  );
  expect(explained.toSorted()).toEqual(Object.keys(REJECT_REASONS).toSorted());
});
