import { useNavigate } from '@tanstack/react-router';
import { useTexts } from '#console/i18n/texts.ts';
import { type Device, STATUS_COLOUR } from '#console/pages/device/device.data.ts';
import type { Options } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';
import { useDevicesOf } from './lists.tsx';
import { Note } from './source.tsx';
import { LAND } from './world-outline.ts';

/** Units of the outline for a degree. */
const PER_DEGREE = 2;
const WORLD = { width: 360 * PER_DEGREE, height: 180 * PER_DEGREE };
/** So much is always in sight: the outline has no detail that would be worth more. */
const LEAST_DEGREES = 30;

interface Marker {
  readonly device: Device;
  readonly x: number;
  readonly y: number;
}

const degrees = (value: unknown, most: number): number | undefined => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Math.abs(number) <= most ? number : undefined;
};

/** Where a device is, by its metadata: `lat` and `lon`, or what these are called elsewhere. */
function markerOf(device: Device): Marker[] {
  const metadata = device.metadata as Readonly<Record<string, unknown>>;
  const latitude = degrees(metadata['lat'] ?? metadata['latitude'], 90);
  const longitude = degrees(metadata['lon'] ?? metadata['lng'] ?? metadata['longitude'], 180);
  if (latitude === undefined || longitude === undefined) return [];
  return [{ device, x: (longitude + 180) * PER_DEGREE, y: (90 - latitude) * PER_DEGREE }];
}

/** The part of the world that the markers are in, with something around it. */
function boxOf(markers: readonly Marker[]) {
  const [xs, ys] = [markers.map(({ x }) => x), markers.map(({ y }) => y)];
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const width = Math.min(WORLD.width, Math.max(LEAST_DEGREES * 2 * PER_DEGREE, span(xs) * 1.4, span(ys) * 2.8));
  const height = width / 2;
  const middle = (values: readonly number[]) => (Math.max(...values) + Math.min(...values)) / 2;
  const within = (start: number, size: number, most: number) => Math.min(Math.max(0, start), most - size);
  return {
    x: within(middle(xs) - width / 2, width, WORLD.width),
    y: within(middle(ys) - height / 2, height, WORLD.height),
    width,
    height,
  };
}

/** Devices on the outline of the land; nothing is asked of a map server. */
export function MapWidget({ options }: { readonly options: Options }) {
  const t = useTexts(dashboardTexts);
  const navigate = useNavigate();
  const { data } = useDevicesOf(options);
  if (data === undefined) return null;
  const markers = data.items.flatMap(markerOf);
  if (markers.length === 0) return <Note>{t('no_positions')}</Note>;
  const { x, y, width, height } = boxOf(markers);
  const radius = width / 90;
  const open = (id: number) => void navigate({ to: `/devices/${id}` as string });
  return (
    // biome-ignore lint/a11y/useSemanticElements: an SVG is no fieldset
    <svg
      viewBox={`${x} ${y} ${width} ${height}`}
      width="100%"
      height="100%"
      role="group"
      aria-label={t('map_of', { count: markers.length })}
    >
      <path
        d={LAND}
        fill="var(--mantine-color-default-hover)"
        stroke="var(--mantine-color-default-border)"
        strokeWidth={width / 600}
      />
      {markers.map(({ device, x: cx, y: cy }) => (
        // biome-ignore lint/a11y/useSemanticElements: a link within SVG is no button of HTML
        <circle
          key={device.id}
          cx={cx}
          cy={cy}
          r={radius}
          fill={STATUS_COLOUR[device.status]}
          stroke="var(--mantine-color-body)"
          strokeWidth={radius / 4}
          role="button"
          tabIndex={0}
          aria-label={`${device.name}: ${device.status}`}
          style={{ cursor: 'pointer' }}
          onClick={() => open(device.id)}
          onKeyDown={(event) => event.key === 'Enter' && open(device.id)}
        >
          <title>{`${device.name}: ${device.status}`}</title>
        </circle>
      ))}
    </svg>
  );
}
