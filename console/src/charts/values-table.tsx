import { Table, Text } from '@mantine/core';
import { formatInstant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { chartTexts } from './chart.texts.ts';
import type { ChartSeries } from './time-chart.data.ts';

const MOST_ROWS = 500;

/** A row for each instant at which any line has a value, oldest first; null where a line has none. */
export function rowsOf(lines: readonly Pick<ChartSeries, 'at' | 'values'>[]) {
  const rows = new Map<number, (number | null)[]>();
  lines.forEach(({ at, values }, column) => {
    at.forEach((instant, index) => {
      const row = rows.get(instant) ?? lines.map(() => null);
      row[column] = values[index] ?? null;
      rows.set(instant, row);
    });
  });
  return [...rows].sort(([a], [b]) => a - b).map(([at, values]) => ({ at, values }));
}

/** What a chart shows, to be read: the newest first. */
export function ValuesTable({ name, lines, maxHeight = 300 }: ValuesTableProps) {
  const t = useTexts(chartTexts);
  const { language } = useLanguage();
  const numbers = new Intl.NumberFormat(language, { maximumSignificantDigits: 8 });
  const rows = rowsOf(lines);
  const shown = rows.slice(-MOST_ROWS).reverse();
  return (
    <>
      <Table.ScrollContainer
        minWidth={200 + lines.length * 120}
        maxHeight={maxHeight}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': name } as object }}
      >
        <Table stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('time')}</Table.Th>
              {lines.map(({ key, label }) => (
                <Table.Th key={key} ta="end">
                  {label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(({ at, values }) => (
              <Table.Tr key={at}>
                <Table.Td>{formatInstant(at, language)}</Table.Td>
                {values.map((value, column) => (
                  <Table.Td key={lines[column]?.key} ta="end">
                    {value === null ? '–' : numbers.format(value)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {rows.length > shown.length && (
        <Text size="xs" c="dimmed">
          {t('rows', { shown: shown.length, count: rows.length })}
        </Text>
      )}
    </>
  );
}

interface ValuesTableProps {
  readonly name: string;
  readonly lines: readonly ChartSeries[];
  /** CSS pixels; beyond it the table scrolls. */
  readonly maxHeight?: number;
}
