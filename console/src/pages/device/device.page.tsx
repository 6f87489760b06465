import { Anchor, Group, ScrollArea, Tabs, Text } from '@mantine/core';
import { Link, lazyRouteComponent, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ComponentType, Suspense, useEffect, useRef } from 'react';
import { isProblem } from '#console/api/problem.ts';
import { part } from '#console/app/part.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Empty, Failure, Splash } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { type User, useUser } from '#console/session/session.ts';
import { type Device, mayControl, useDevice } from './device.data.ts';
import { deviceTexts } from './device.texts.ts';
import { DeviceActions } from './device-actions.tsx';

export interface TabProps {
  readonly device: Device;
}

interface Part {
  readonly key: 'overview' | 'charts' | 'commands' | 'config' | 'firmware' | 'logs' | 'alerts' | 'connection';
  readonly Content: ComponentType<TabProps>;
  /** Who has it; without: who sees the device. */
  readonly may?: (user: User, device: Device) => boolean;
}

/** Loaded when somebody goes there. */
function tab<Module extends Record<string, unknown>>(load: () => Promise<Module>, name: keyof Module & string) {
  return lazyRouteComponent(
    () => part(load as () => Promise<Record<string, unknown>>),
    name,
  ) as ComponentType<TabProps>;
}

const PARTS: readonly Part[] = [
  { key: 'overview', Content: tab(() => import('./overview/overview-tab.tsx'), 'OverviewTab') },
  { key: 'charts', Content: tab(() => import('./charts-tab.tsx'), 'ChartsTab') },
  { key: 'commands', may: mayControl, Content: tab(() => import('./commands/commands-tab.tsx'), 'CommandsTab') },
  { key: 'config', may: mayControl, Content: tab(() => import('./config/config-tab.tsx'), 'ConfigTab') },
  { key: 'firmware', Content: tab(() => import('./firmware-tab.tsx'), 'FirmwareTab') },
  { key: 'logs', Content: tab(() => import('./logs-tab.tsx'), 'LogsTab') },
  { key: 'alerts', Content: tab(() => import('./alerts-tab.tsx'), 'AlertsTab') },
  { key: 'connection', Content: tab(() => import('./connection-tab.tsx'), 'ConnectionTab') },
];

export function DevicePage() {
  const t = useTexts(deviceTexts);
  const { id } = useParams({ strict: false }) as { readonly id?: string };
  const { data: device, error, refetch } = useDevice(Number(id));
  const isGone = !Number.isInteger(Number(id)) || (isProblem(error) && [404, 422].includes(error.status));
  if (isGone) {
    const back = (
      <Anchor component={Link} to="/devices">
        {t('back')}
      </Anchor>
    );
    return <Empty title={t('device')} text={t('gone')} action={back} />;
  }
  if (device === undefined) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Splash />;
  return (
    <>
      <PageHeader title={device.name}>
        <DeviceActions device={device} />
      </PageHeader>
      <Group gap="sm" mb="md" mt={-8}>
        <StatusBadge status={device.status} />
        <Text size="sm" ff="monospace">
          {device.device_uid}
        </Text>
        <Text size="sm" c="dimmed">
          {device.device_type}
        </Text>
        <Text size="sm" c="dimmed">
          {t('last_seen')}: {device.last_seen_at === null ? t('never') : <Instant at={device.last_seen_at} ago />}
        </Text>
      </Group>
      <Parts key={device.id} device={device} />
    </>
  );
}

function Parts({ device }: TabProps) {
  const t = useTexts(deviceTexts);
  const user = useUser();
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const parts = PARTS.filter(({ may }) => may === undefined || may(user, device));
  const active = parts.find(({ key }) => key === search['tab'])?.key ?? 'overview';
  const open = (tab: string | null) => {
    void navigate({ to: '.', search: (tab === 'overview' ? {} : { tab }) as never });
  };
  const list = useRef<HTMLDivElement>(null);
  // On a phone the list of tabs is wider than the page.
  useEffect(() => {
    const tab = list.current?.querySelector(`[data-tab="${active}"]`);
    tab?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [active]);
  return (
    <Tabs value={active} onChange={open} keepMounted={false}>
      <ScrollArea type="never" mb="md">
        <Tabs.List ref={list} aria-label={t('tabs')} style={{ flexWrap: 'nowrap' }}>
          {parts.map(({ key }) => (
            <Tabs.Tab key={key} value={key} data-tab={key}>
              {t(key)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </ScrollArea>
      {parts.map(({ key, Content }) => (
        <Tabs.Panel key={key} value={key}>
          <Suspense fallback={<Splash />}>
            <Content device={device} />
          </Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
