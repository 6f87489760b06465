import { Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Chart } from '#console/charts/chart.tsx';
import { colourOf } from '#console/charts/time-chart.data.ts';

import { failed } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { newRuleLink } from '#console/pages/rules/rule.levels.ts';
import { save } from '#console/records/records.csv.ts';
import { exportSamples, type Line } from './explore.data.ts';
import type { Fixed, Overlay } from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';
import { FORECAST, marksOf, type Overlays } from './overlays.data.ts';

/** One chart with its overlays, its table, and what can be made of it. */
export function ExploreChart({ name, lines, range, overlays, wanted, onZoom, onBack }: ExploreChartProps) {
  const t = useTexts(exploreTexts);
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
  const run = (work: () => Promise<void>) => void work().catch(failed);
  const devices = [...new Map(lines.map(({ device }) => [device.id, device])).values()];
  const pairs = lines.filter(({ isBefore }) => isBefore !== true);
  return (
    <Chart
      name={name}
      series={series}
      table={lines}
      label={t('chart_of', { name })}
      range={shown}
      height={240}
      syncKey="explore"
      points={stable.points}
      thresholds={stable.thresholds}
      spans={stable.spans}
      onRange={([begin, end]) => onZoom({ from: begin, to: end })}
      onReset={onBack}
      menu={
        <>
          {devices.flatMap((device) =>
            (['csv', 'parquet'] as const).map((format) => (
              <Menu.Item
                key={`${device.id} ${format}`}
                onClick={() =>
                  run(async () => {
                    const own = pairs.filter((each) => each.device.id === device.id);
                    const metrics = [...new Set(own.map(({ metric }) => metric))];
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
        </>
      }
    />
  );
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
