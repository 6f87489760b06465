import { ActionIcon, Group, Menu, Text } from '@mantine/core';
import { IconChartLine, IconDots, IconTable } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import { colourOf } from '#console/charts/time-chart.data.ts';
import { TimeChart } from '#console/charts/time-chart.tsx';
import { failed } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { newRuleLink } from '#console/pages/rules/rule.levels.ts';
import { csvField, save } from '#console/records/records.csv.ts';
import { exportSamples, type Line } from './explore.data.ts';
import type { Fixed, Overlay } from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';
import { FORECAST, marksOf, type Overlays } from './overlays.data.ts';
import { rowsOf, ValuesTable } from './values-table.tsx';

/** One chart with its overlays, its table, and what can be made of it. */
export function ExploreChart({ name, lines, range, overlays, wanted, onZoom, onBack }: ExploreChartProps) {
  const t = useTexts(exploreTexts);
  const [asTable, setAsTable] = useState(false);
  const picture = useRef<(() => Promise<Blob>) | null>(null);
  const { from, to, isLive } = range;
  const marks = marksOf(lines, overlays, wanted, (label) => t('of_trend', { name: label }));
  // A line of the period before, and the trend, have the colour of their own line.
  const colours = new Map<string, string>();
  for (const { device, metric } of lines) {
    const pair = `${device.id} ${metric}`;
    if (!colours.has(pair)) colours.set(pair, colourOf(colours.size));
  }
  const coloured = (line: Line): Line => ({ ...line, color: colours.get(`${line.device.id} ${line.metric}`) ?? '' });
  const hasTrend = marks.trends.length > 0;
  // Marks are made anew with every second that passes; a chart is drawn anew only when they differ.
  const key = JSON.stringify([marks.points, marks.thresholds, marks.spans.map(({ color, from: at }) => [color, at])]);
  const series = useMemo(() => [...lines, ...marks.trends].map(coloured), [lines, hasTrend, overlays.trends.size, key]);
  const stable = useMemo(() => marks, [key]);
  const shown = [from, hasTrend && isLive ? to + (to - from) * FORECAST : to] as const;
  const inRange = () => lines.map((line) => ({ ...line, ...within(line, from, to) }));
  const run = (work: () => Promise<void> | void) => void Promise.resolve().then(work).catch(failed);
  const file = (end: string) => `${name}-${new Date(from).toISOString().slice(0, 16).replace(':', '')}.${end}`;
  const devices = [...new Map(lines.map(({ device }) => [device.id, device])).values()];
  const pairs = lines.filter(({ isBefore }) => isBefore !== true);
  return (
    <>
      <Group justify="space-between" wrap="nowrap">
        <Text fw={600} size="sm" lineClamp={1} style={{ overflowWrap: 'anywhere' }}>
          {name}
        </Text>
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="subtle"
            color="gray"
            c="inherit"
            aria-label={`${t(asTable ? 'chart' : 'table')}: ${name}`}
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
              <Menu.Item onClick={() => run(() => save(file('csv'), 'text/csv', csvOf(inRange())))}>
                {t('csv')}
              </Menu.Item>
              {!asTable && (
                <Menu.Item
                  onClick={() =>
                    run(async () => save(file('png'), 'image/png', (await picture.current?.()) ?? new Blob()))
                  }
                >
                  {t('png')}
                </Menu.Item>
              )}
              {devices.flatMap((device) =>
                (['csv', 'parquet'] as const).map((format) => (
                  <Menu.Item
                    key={`${device.id} ${format}`}
                    onClick={() =>
                      run(async () => {
                        const metrics = [
                          ...new Set(pairs.filter((each) => each.device.id === device.id).map((e) => e.metric)),
                        ];
                        const blob = await exportSamples(device, metrics, { from, to }, format);
                        save(`${device.device_uid}.${format}`, blob.type, blob);
                      })
                    }
                  >
                    {t(`samples_${format}`, { device: device.name })}
                  </Menu.Item>
                )),
              )}
              <Menu.Divider />
              {pairs.map((line) => (
                <Menu.Item key={line.key} component={Link} {...newRuleLink(line.device.id, line.metric, line)}>
                  {t('make_rule', { name: line.label })}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      {asTable ? (
        <ValuesTable lines={inRange()} />
      ) : (
        <TimeChart
          series={series}
          label={t('chart_of', { name })}
          title={name}
          range={shown}
          height={240}
          syncKey="explore"
          points={stable.points}
          thresholds={stable.thresholds}
          spans={stable.spans}
          picture={picture}
          onRange={([begin, end]) => onZoom({ from: begin, to: end })}
          onReset={onBack}
        />
      )}
    </>
  );
}

function within({ at, values }: Line, from: number, to: number) {
  const kept = at.map((each) => each >= from && each <= to);
  return { at: at.filter((_, index) => kept[index]), values: values.filter((_, index) => kept[index]) };
}

/** A row for each instant, a column for each line. */
function csvOf(lines: readonly Line[]): string {
  const head = ['timestamp', ...lines.map(({ label }) => label)];
  const rows = rowsOf(lines).map(({ at, values }) => [new Date(at).toISOString(), ...values]);
  return [head, ...rows, []].map((row) => row.map(csvField).join(',')).join('\r\n');
}

interface ExploreChartProps {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly range: Fixed & { readonly isLive: boolean };
  readonly overlays: Overlays;
  readonly wanted: readonly Overlay[];
  readonly onZoom: (range: Fixed) => void;
  readonly onBack: () => void;
}
