import { Anchor, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { EVERY_CHANGE, useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import type { Options } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';
import { Note } from './source.tsx';

const OFTEN = { refetchInterval: 10_000 };

/** The devices of a group, or all: at most 100. What changes shows at once, or within ten seconds. */
export function useDevicesOf({ group_id }: Options) {
  const { role } = useUser();
  const cache = useQueryClient();
  const changed = useThrottled(() => void cache.invalidateQueries({ queryKey: ['get', '/api/v1/devices'] }));
  useLive(isAtLeast(role, 'MANAGER') ? EVERY_CHANGE : undefined, 'device_status', changed, changed);
  const query = { size: 100, sort: 'name', ...(group_id === null ? {} : { group_id: [group_id] }) };
  return api.useQuery('get', '/api/v1/devices', { params: { query } }, OFTEN);
}

export function DevicesWidget({ options }: { readonly options: Options }) {
  const t = useTexts(dashboardTexts);
  const { data } = useDevicesOf(options);
  if (data?.total === 0) return <Note>{t('no_devices')}</Note>;
  const more = (data?.total ?? 0) - (data?.items.length ?? 0);
  return (
    <Stack gap={4} h="100%" style={{ overflowY: 'auto' }} tabIndex={0} role="region" aria-label={t('devices')}>
      {data?.items.map(({ id, name, status }) => (
        <Group key={id} justify="space-between" wrap="nowrap" gap="xs">
          <Anchor component={Link} to={`/devices/${id}`} size="sm" truncate data-text>
            {name}
          </Anchor>
          <StatusBadge status={status} />
        </Group>
      ))}
      {more > 0 && (
        <Text size="xs" c="dimmed">
          {t('more', { count: more })}
        </Text>
      )}
    </Stack>
  );
}

export function AlertsWidget() {
  const { sentenceText } = useApiWords();
  const t = useTexts(dashboardTexts);
  const query = { size: 50, sort: '-last_seen_at', status: ['ACTIVE' as const] };
  const { data } = api.useQuery('get', '/api/v1/monitoring/alerts', { params: { query } }, OFTEN);
  if (data?.total === 0) return <Note>{t('no_alerts')}</Note>;
  return (
    <Stack gap={6} h="100%" style={{ overflowY: 'auto' }} tabIndex={0} role="region" aria-label={t('alerts')}>
      {data?.items.map(({ id, severity, message, device_id, device_uid, started_at }) => (
        <Group key={id} gap="xs" wrap="nowrap" align="flex-start">
          <StatusBadge status={severity} />
          <div style={{ minWidth: 0 }}>
            <Text size="sm" lineClamp={2}>
              {sentenceText(message)}
            </Text>
            <Text size="xs" c="dimmed">
              <Anchor component={Link} to={`/devices/${device_id}`} inherit>
                {device_uid}
              </Anchor>{' '}
              <Instant at={started_at} ago />
            </Text>
          </div>
        </Group>
      ))}
    </Stack>
  );
}
