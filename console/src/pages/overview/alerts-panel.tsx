import { Anchor, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { EVERY_CHANGE, useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { SLOW_MS } from './overview.data.ts';
import { overviewTexts } from './overview.texts.ts';
import { Panel } from './panel.tsx';

const ALERTS = '/api/v1/monitoring/alerts';
const SEVERITIES = ['CRITICAL', 'WARNING', 'INFO'] as const;

const useOpen = (severity: (typeof SEVERITIES)[number] | undefined, size: number) => {
  const query = { status: ['ACTIVE'], size, ...(severity === undefined ? {} : { severity: [severity] }) };
  return api.useQuery('get', ALERTS, { params: { query: query as never } }, { refetchInterval: SLOW_MS });
};

/** What holds now and nobody has acknowledged: how much of each severity, and the newest. */
export function AlertsPanel() {
  const { sentenceText } = useApiWords();
  const t = useTexts(overviewTexts);
  const newest = useOpen(undefined, 5);
  const cache = useQueryClient();
  const isManager = isAtLeast(useUser().role, 'MANAGER');
  const changed = useThrottled(() => void cache.invalidateQueries({ queryKey: ['get', ALERTS] }));
  useLive(isManager ? EVERY_CHANGE : null, 'alert', changed, changed);
  return (
    <Panel
      title={t('alerts')}
      query={newest}
      aside={
        <Anchor component={Link} to={'/alerts' as string} size="sm">
          {t('all_alerts')}
        </Anchor>
      }
    >
      {newest.data?.total === 0 ? (
        <Text size="sm" c="dimmed">
          {t('no_alerts')}
        </Text>
      ) : (
        <Stack gap="xs">
          <Group gap="lg">
            {SEVERITIES.map((severity) => (
              <SeverityCount key={severity} severity={severity} />
            ))}
          </Group>
          {newest.data?.items.map(({ id, severity, message, device_id, device_uid, started_at }) => (
            <Group key={id} wrap="nowrap" gap="sm" align="flex-start">
              <StatusBadge status={severity} />
              <div style={{ minWidth: 0, flex: 1 }}>
                <Text size="sm" data-clamp data-text>
                  {sentenceText(message)}
                </Text>
                <Text size="xs" c="dimmed">
                  <Anchor component={Link} to={`/devices/${device_id}`} inherit>
                    {device_uid}
                  </Anchor>
                  {' · '}
                  <Instant at={started_at} ago />
                </Text>
              </div>
            </Group>
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function SeverityCount({ severity }: { readonly severity: (typeof SEVERITIES)[number] }) {
  const { language } = useLanguage();
  const { data } = useOpen(severity, 1);
  return (
    <Group gap={6}>
      <StatusBadge status={severity} />
      <Text fw={700}>{data === undefined ? '–' : new Intl.NumberFormat(language).format(data.total)}</Text>
    </Group>
  );
}
