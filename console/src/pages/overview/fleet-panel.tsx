import { Anchor, Group, Paper, SimpleGrid, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { EVERY_CHANGE, useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { SLOW_MS } from './overview.data.ts';
import { overviewTexts } from './overview.texts.ts';
import { Panel } from './panel.tsx';

const STATUSES = ['ONLINE', 'OFFLINE', 'MAINTENANCE', 'ERROR'] as const;
type Status = (typeof STATUSES)[number];

/** How many devices there are in a status, or in all; undefined while it is not known. */
export function useDeviceCount(status?: Status) {
  const query = { size: 1, ...(status === undefined ? {} : { status: [status] }) };
  return api.useQuery('get', '/api/v1/devices', { params: { query: query as never } }, { refetchInterval: SLOW_MS });
}

/** The fleet by status; each number leads to its devices. */
export function FleetPanel() {
  const t = useTexts(overviewTexts);
  const all = useDeviceCount();
  const cache = useQueryClient();
  const isManager = isAtLeast(useUser().role, 'MANAGER');
  const changed = useThrottled(() => void cache.invalidateQueries({ queryKey: ['get', '/api/v1/devices'] }));
  useLive(isManager ? EVERY_CHANGE : undefined, 'device_status', changed, changed);
  return (
    <Panel
      title={t('devices')}
      query={all}
      aside={
        <Anchor component={Link} to="/devices" size="sm">
          {t('all_devices', { count: all.data?.total ?? 0 })}
        </Anchor>
      }
    >
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {STATUSES.map((status) => (
          <StatusCount key={status} status={status} />
        ))}
      </SimpleGrid>
    </Panel>
  );
}

const DOT: Readonly<Record<Status, string>> = {
  ONLINE: 'teal.7',
  OFFLINE: 'gray.6',
  MAINTENANCE: 'indigo.6',
  ERROR: 'red.7',
};

function StatusCount({ status }: { readonly status: Status }) {
  const t = useTexts(overviewTexts);
  const { language } = useLanguage();
  const { data } = useDeviceCount(status);
  const names = {
    ONLINE: t('status_online'),
    OFFLINE: t('status_offline'),
    MAINTENANCE: t('status_maintenance'),
    ERROR: t('status_error'),
  };
  return (
    <Anchor component={Link} to="/devices" search={{ status } as never} underline="never" c="inherit">
      <Text size="xl" fw={700}>
        {data === undefined ? '–' : new Intl.NumberFormat(language).format(data.total)}
      </Text>
      <Group gap={6} wrap="nowrap">
        <Paper w={10} h={10} radius="xl" bg={DOT[status]} aria-hidden style={{ flexShrink: 0 }} />
        <Text size="sm" c="dimmed">
          {names[status]}
        </Text>
      </Group>
    </Anchor>
  );
}
