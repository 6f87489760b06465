import { Anchor, Button, Group, Loader, Stack, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { common } from '#console/app/common.texts.ts';
import { useUserName } from '#console/components/record-name.tsx';
import { RecordSelect } from '#console/components/record-select.tsx';
import { Failure } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { useAct } from '#console/components/undo.tsx';
import { formatInstant, Instant } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { AlertChart } from './alert-chart.tsx';
import { alertsTexts } from './alerts.texts.ts';
import { Comments } from './comments.tsx';

export type Alert = components['schemas']['Alert'];

/** Who takes care of alerts. */
const MANAGEMENT = ['SUPERADMIN', 'ADMIN', 'MANAGER'];

/** One alert: what happened, its chart, who takes care of it, and what is said about it. */
export function AlertDetail({ id }: { readonly id: number }) {
  const words = useTexts(common);
  const { sentenceText } = useApiWords();
  const params = { params: { path: { alert_id: id } } };
  const { data: alert, error, refetch } = api.useQuery('get', '/api/v1/monitoring/alerts/{alert_id}', params);
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (alert === undefined) return <Loader aria-label={words('loading')} />;
  return (
    <Stack>
      <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
        {sentenceText(alert.message)}
      </Text>
      <Group gap="xs">
        <StatusBadge status={alert.severity} />
        <StatusBadge status={alert.status} />
      </Group>
      <AlertChart alert={alert} />
      <Facts alert={alert} />
      <Care alert={alert} />
      <Comments alert={alert} />
    </Stack>
  );
}

function Facts({ alert }: { readonly alert: Alert }) {
  const t = useTexts(alertsTexts);
  const field = useTexts(fieldTexts);
  const { language } = useLanguage();
  const who = useUserName(alert.acknowledged_by);
  const { threshold, acknowledged_by: by, acknowledged_at: when } = alert;
  const [low, high] = Array.isArray(threshold) ? threshold : [];
  const level = Array.isArray(threshold) ? t('range_threshold', { low: Number(low), high: Number(high) }) : threshold;
  const device = (
    <Anchor component={Link} to={`/devices/${alert.device_id}`} inherit style={{ overflowWrap: 'anywhere' }}>
      {alert.device_uid}
    </Anchor>
  );
  const rule = (
    <Anchor component={Link} to={`/rules/${alert.rule_id}`} inherit style={{ overflowWrap: 'anywhere' }}>
      {alert.rule_name}
    </Anchor>
  );
  const rows: readonly (readonly [label: string, value: ReactNode])[] = [
    [field('device'), device],
    [field('rule'), rule],
    [t('threshold'), level === null || level === undefined ? '–' : String(level)],
    [t('value'), String(alert.value ?? '–')],
    [t('last_value'), String(alert.last_value ?? '–')],
    [field('occurrences'), new Intl.NumberFormat(language).format(alert.occurrences)],
    [field('started'), <Instant key="started" at={alert.started_at} />],
    [t('last_seen'), <Instant key="seen" at={alert.last_seen_at} />],
    [field('ended'), <Instant key="ended" at={alert.cleared_at} />],
    [
      field('acknowledged'),
      by === null || when === null ? t('nobody') : t('acknowledged_by', { who, when: formatInstant(when, language) }),
    ],
  ];
  return (
    <Table variant="vertical" highlightOnHover={false}>
      <Table.Tbody>
        {rows.map(([label, value]) => (
          <Table.Tr key={label}>
            <Table.Th w="40%">{label}</Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Takes notice, and says who takes care. */
function Care({ alert }: { readonly alert: Alert }) {
  const t = useTexts(alertsTexts);
  const act = useAct();
  const me = useUser();
  const assigneeName = useUserName(alert.assigned_to);
  const mayAssign = isAtLeast(me.role, 'MANAGER');
  const { data: device } = api.useQuery(
    'get',
    '/api/v1/devices/{device_id}',
    { params: { path: { device_id: alert.device_id } } },
    { enabled: mayAssign },
  );
  const owner = device?.owner_id ?? null;
  const ownerName = useUserName(owner);
  const params = { path: { alert_id: alert.id } };
  const assign = (assigned_to: number | null) =>
    void act(t(assigned_to === null ? 'released' : 'assigned'), () =>
      changeRecord('/api/v1/monitoring/alerts/{alert_id}', { ids: params.path, changes: { assigned_to } }),
    );
  const acknowledge = () =>
    void act(t('acknowledged'), () => client.POST('/api/v1/monitoring/alerts/{alert_id}/acknowledge', { params }));
  const { assigned_to: assignee } = alert;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Text size="sm">
          {t('assignee')}: {assignee === null ? t('nobody') : assigneeName}
        </Text>
        {assignee !== me.id && (
          <Button size="xs" variant="default" onClick={() => assign(me.id)}>
            {t('take')}
          </Button>
        )}
        {mayAssign && owner !== null && owner !== me.id && owner !== assignee && (
          <Button size="xs" variant="default" onClick={() => assign(owner)}>
            {t('give_owner', { name: ownerName })}
          </Button>
        )}
        {assignee !== null && (
          <Button size="xs" variant="default" onClick={() => assign(null)}>
            {t('release')}
          </Button>
        )}
        {!alert.is_acknowledged && (
          <Button size="xs" onClick={acknowledge}>
            {t('acknowledge')}
          </Button>
        )}
      </Group>
      {mayAssign && (
        <RecordSelect
          kind="person"
          only={{ role: MANAGEMENT }}
          size="xs"
          label={t('assign_to')}
          value={assignee}
          clearable={false}
          onChange={(id) => id !== null && assign(id)}
        />
      )}
    </Stack>
  );
}
