import { useElementSize } from '@mantine/hooks';
import { useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Chart } from '#console/charts/chart.tsx';
import type { ChartSeries } from '#console/charts/time-chart.data.ts';
import { TimeChart } from '#console/charts/time-chart.tsx';
import { useNow } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { type Device, useDevice } from '#console/pages/device/device.data.ts';
import { useLines } from '#console/pages/device/telemetry.data.ts';
import type { Options, Source } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';
import { Note } from './source.tsx';

/** For the labels of the axis and the legend. */
const AROUND = 42;
const TOOLS = 28;

type Lines = ReadonlyMap<number, readonly ChartSeries[]>;

/** Lines of metrics of several devices in one chart. */
export function ChartWidget({ options, title }: { readonly options: Options; readonly title: string }) {
  const t = useTexts(dashboardTexts);
  const { ref, height } = useElementSize();
  const now = useNow(2_000);
  const search = useSearch({ strict: false });
  const [lines, setLines] = useState<Lines>(new Map());
  const onLines = useCallback(
    (id: number, next: readonly ChartSeries[]) => setLines((before) => new Map(before).set(id, next)),
    [],
  );
  const byDevice = useMemo(() => sourcesByDevice(options.sources), [options.sources]);
  const series = useMemo(() => [...byDevice.keys()].flatMap((id) => lines.get(id) ?? []), [byDevice, lines]);
  if (byDevice.size === 0) return <Note>{t('no_source')}</Note>;
  const lastMs = options.minutes * 60_000;
  // Nobody touches a screen on the wall.
  const isOnWall = 'wall' in search;
  const chart = {
    series,
    label: title,
    range: [now - lastMs, now] as const,
    height: Math.max(80, height - AROUND - (isOnWall ? 0 : TOOLS)),
    unit: options.unit === '' ? undefined : options.unit,
  };
  return (
    <div ref={ref} style={{ height: '100%', overflow: 'hidden' }}>
      {[...byDevice].map(([id, sources]) => (
        <DeviceLines
          key={id}
          id={id}
          sources={sources}
          lastMs={lastMs}
          isAlone={byDevice.size === 1}
          onLines={onLines}
        />
      ))}
      {isOnWall ? <TimeChart {...chart} /> : <Chart name={title} heading={false} {...chart} />}
    </div>
  );
}

function sourcesByDevice(sources: readonly Source[]): ReadonlyMap<number, readonly Source[]> {
  const ids = [...new Set(sources.map(({ device_id }) => device_id))];
  return new Map(ids.map((id) => [id, sources.filter(({ device_id }) => device_id === id)]));
}

function DeviceLines(props: DeviceLinesProps) {
  const { data } = useDevice(props.id);
  return data === undefined ? null : <LinesOf {...props} device={data} />;
}

/** Reads the lines of one device, and hands them to the chart. */
function LinesOf({ id, device, sources, lastMs, isAlone, onLines }: DeviceLinesProps & { readonly device: Device }) {
  const key = sources.map(({ metric }) => metric).join(',');
  const metrics = useMemo(() => [...new Set(key.split(',').filter((metric) => metric !== ''))], [key]);
  const span = useMemo(() => ({ lastMs }), [lastMs]);
  const { lines } = useLines(device, metrics, span);
  const { name } = device;
  useEffect(() => {
    // A band of each of many lines would hide the lines.
    const named = lines.map(({ band: _, ...line }) => ({
      ...line,
      key: `${id}-${line.key}`,
      label: isAlone ? line.label : `${name} · ${line.label}`,
    }));
    onLines(id, named);
  }, [lines, id, name, isAlone, onLines]);
  return null;
}

interface DeviceLinesProps {
  readonly id: number;
  readonly sources: readonly Source[];
  readonly lastMs: number;
  /** No other device is in the chart: lines need no name of it. */
  readonly isAlone: boolean;
  readonly onLines: (id: number, lines: readonly ChartSeries[]) => void;
}
