import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { flawsOf, tablesOf, untranslated, unusedKeys } from './console-texts.ts';
import { listSources, parseSource, readSource } from './source.ts';

const root = join(import.meta.dirname, '../..');

describe('the texts of the console', () => {
  const files = listSources(root, 'console/src')
    .filter((path) => !path.endsWith('.d.ts'))
    .map((path) => readSource(root, path));
  const tables = files.flatMap((file) => tablesOf(file).map((table) => ({ path: file.path, table })));

  test('are all found', () => {
    expect(tables.length).toBeGreaterThan(30);
    expect(tables.filter(({ table }) => table.en.size === 0)).toEqual([]);
  });

  test('say the same in English and in Korean, with the same values in them', () => {
    expect(tables.flatMap(({ path, table }) => flawsOf(table).map((flaw) => `${path}: ${flaw}`))).toEqual([]);
  });

  test('are all in tables: no word that people read stands in the code', () => {
    const others = files.filter(({ path }) => !path.startsWith('console/src/i18n/korean/'));
    expect(others.flatMap(untranslated)).toEqual([]);
  });

  test('are all used', () => {
    expect(unusedKeys(files)).toEqual([]);
  });
});

describe('texts that are wrong', () => {
  const sins = parseSource(
    'sins.tsx',
    `const texts = defineTexts({
      en: { same: 'Save', gone: 'Gone', english: 'Devices', mixed: 'Open alerts', count: '{count} rows', ways: 'Ways', ways_one: 'Way', korean: '경보', empty: '' },
      ko: { same: 'Save', extra: '더', english: 'Device list', mixed: '열린 alerts', count: '{total}행', ways: '방법', ways_one: '방법 하나', korean: '알림', empty: '없음' },
    });
    const label = { title: isOpen ? 'Open' : t('closed'), description: \`All of \${name}\` };
    const page = <Button aria-label="Close it" placeholder={given ?? 'Type here'}>Press me {'now'}</Button>;
    const hangul = join('저장');
    const fine = <Code title="UID" label={t('same')} className="plain words">{'→'}</Code>;`,
  );

  test('are found, each for its reason', () => {
    expect(tablesOf(sins).flatMap(flawsOf)).toMatchInlineSnapshot(`
      [
        "same: is the same in both languages",
        "same: is not Korean",
        "same: has English in Korean: Save",
        "gone: is not there in both languages",
        "english: is not Korean",
        "english: has English in Korean: Device list",
        "mixed: has English in Korean: alerts",
        "count: has {count} in one language only",
        "count: has {total} in one language only",
        "ways: has a singular and no {count}",
        "korean: has Korean in English",
        "empty: says nothing",
        "extra: is not there in both languages",
      ]
    `);
  });

  test('are found where they stand in the code', () => {
    expect(untranslated(sins)).toMatchInlineSnapshot(`
      [
        "sins.tsx:5: Open",
        "sins.tsx:5: All of …",
        "sins.tsx:6: now",
        "sins.tsx:6: Close it",
        "sins.tsx:6: Type here",
        "sins.tsx:6: Press me",
        "sins.tsx:7: 저장",
      ]
    `);
  });

  test('are found where nothing names them', () => {
    expect(unusedKeys([sins])).toMatchInlineSnapshot(`
      [
        "sins.tsx: gone",
        "sins.tsx: english",
        "sins.tsx: mixed",
        "sins.tsx: count",
        "sins.tsx: ways",
        "sins.tsx: ways_one",
        "sins.tsx: korean",
        "sins.tsx: empty",
      ]
    `);
  });
});
