import { Center, Loader, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { type Device, useDevice } from '#console/pages/device/device.data.ts';
import { useLatest } from '#console/pages/device/telemetry.data.ts';
import type { Source } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';

/** Something to read in the place of a widget that has nothing to show. */
export function Note({ children }: { readonly children: ReactNode }) {
  return (
    <Center h="100%">
      <Text size="sm" c="dimmed" ta="center">
        {children}
      </Text>
    </Center>
  );
}

/** The device of a source, once it is known; what is wrong with it otherwise. */
export function WithDevice({ source, children }: WithDeviceProps) {
  const t = useTexts(dashboardTexts);
  return source === undefined ? <Note>{t('no_source')}</Note> : <Found source={source}>{children}</Found>;
}

function Found({ source, children }: { readonly source: Source; readonly children: WithDeviceProps['children'] }) {
  const t = useTexts(dashboardTexts);
  const words = useTexts(common);
  const { data, error } = useDevice(source.device_id);
  if (error && data === undefined) return <Note>{t('no_device')}</Note>;
  if (data === undefined) {
    return (
      <Center h="100%">
        <Loader size="sm" aria-label={words('loading')} />
      </Center>
    );
  }
  return children(data, source);
}

/** The last value of one metric, as it comes in. */
export function useLatestOf(device: Device, metric: string) {
  const { metrics } = useLatest(device);
  return metrics.find(([name]) => name === metric)?.[1];
}

interface WithDeviceProps {
  readonly source: Source | undefined;
  readonly children: (device: Device, source: Source) => ReactNode;
}
