import { ActionIcon, Group, Menu, Text } from '@mantine/core';
import { IconChartLine, IconDots, IconTable } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import { failed } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { csvField, save } from '#console/records/records.csv.ts';
import { chartTexts } from './chart.texts.ts';
import type { ChartSeries } from './time-chart.data.ts';
import { type Range, TimeChart, type TimeChartProps } from './time-chart.tsx';
import { rowsOf, ValuesTable } from './values-table.tsx';

/** A chart under its name, with its table, and what can be made of it. */
export function Chart({ name, heading, aside, menu, table, ...chart }: ChartProps) {
  const t = useTexts(chartTexts);
  const [asTable, setAsTable] = useState(false);
  const picture = useRef<(() => Promise<Blob>) | null>(null);
  const lines = (table ?? chart.series).map((line) => within(line, chart.range));
  const file = (end: string) => {
    const from = new Date(chart.range?.[0] ?? Date.now()).toISOString().slice(0, 16).replace(':', '');
    return `${name}-${from}.${end}`;
  };
  const savePicture = async () => {
    if (picture.current !== null) save(file('png'), 'image/png', await picture.current());
  };
  return (
    <>
      <Group justify="space-between" wrap="nowrap" gap={4}>
        <Text fw={600} size="sm" lineClamp={1} style={{ overflowWrap: 'anywhere' }} data-text>
          {heading !== false && name}
        </Text>
        <Group gap={4} wrap="nowrap">
          {aside}
          <ActionIcon
            variant="subtle"
            color="gray"
            c="inherit"
            aria-label={t(asTable ? 'chart' : 'table', { name })}
            onClick={() => setAsTable((before) => !before)}
          >
            {asTable ? <IconChartLine size={18} /> : <IconTable size={18} />}
          </ActionIcon>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={t('actions', { name })}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown mah={380} style={{ overflowY: 'auto' }}>
              <Menu.Item onClick={() => save(file('csv'), 'text/csv', csvOf(lines))}>{t('csv')}</Menu.Item>
              {!asTable && <Menu.Item onClick={() => void savePicture().catch(failed)}>{t('png')}</Menu.Item>}
              {menu}
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      {asTable ? (
        <ValuesTable name={name} lines={lines} maxHeight={Math.max(chart.height ?? 0, 160) + 30} />
      ) : (
        <TimeChart {...chart} title={name} picture={picture} />
      )}
    </>
  );
}

function within(line: ChartSeries, range: Range | undefined): ChartSeries {
  if (range === undefined) return line;
  const kept = line.at.map((at) => at >= range[0] && at <= range[1]);
  return {
    ...line,
    at: line.at.filter((_, index) => kept[index]),
    values: line.values.filter((_, index) => kept[index]),
  };
}

/** A row for each instant, a column for each line. */
function csvOf(lines: readonly ChartSeries[]): string {
  const head = ['timestamp', ...lines.map(({ label }) => label)];
  const rows = rowsOf(lines).map(({ at, values }) => [new Date(at).toISOString(), ...values]);
  return [head, ...rows, []].map((row) => row.map(csvField).join(',')).join('\r\n');
}

interface ChartProps extends Omit<TimeChartProps, 'picture' | 'title'> {
  /** Also of its files. */
  readonly name: string;
  /** False: what is around it has said the name. */
  readonly heading?: boolean;
  readonly aside?: ReactNode;
  /** More items of its menu. */
  readonly menu?: ReactNode;
  /** The lines of the table and of the CSV; default: all. */
  readonly table?: readonly ChartSeries[];
}
