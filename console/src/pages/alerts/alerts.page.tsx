import { Anchor, Button, Drawer } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { client } from '#console/api/client.ts';
import { EVERY_CHANGE, useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { common } from '#console/app/common.texts.ts';
import { UserName } from '#console/components/record-name.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { booleanColumn, instantColumn, statusColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { AcknowledgeAll } from './acknowledge-all.tsx';
import { AlertDetail } from './alert-detail.tsx';
import { alertsTexts } from './alerts.texts.ts';

const SEVERITIES = ['CRITICAL', 'WARNING', 'INFO'];
const STATUSES = ['ACTIVE', 'CLEARED'];
const POLL_MS = 15_000;

/** The lists of alerts, and the alert that is open, are read again: at once where somebody watches live, else now and then. */
function useFreshAlerts(): void {
  const { role } = useUser();
  const cache = useQueryClient();
  const isLive = isAtLeast(role, 'MANAGER');
  const read = () =>
    void cache.invalidateQueries({
      predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/api/v1/monitoring/alerts'),
    });
  const changed = useThrottled(read);
  useLive(isLive ? EVERY_CHANGE : undefined, 'alert', changed, changed);
  useEffect(() => {
    if (isLive) return;
    const polling = setInterval(read, POLL_MS);
    return () => clearInterval(polling);
  }, [isLive]);
}

/** Alerts as they come, with the open one beside them. */
export function AlertsPage() {
  const t = useTexts(alertsTexts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { sentenceText, choices } = useApiWords();
  const navigate = useNavigate();
  const { role } = useUser();
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  useFreshAlerts();
  const opened = Number(search['alert']);
  const open = (alert: number | undefined) => {
    const { alert: _, ...rest } = search;
    void navigate({ to: '.', search: (alert === undefined ? rest : { ...rest, alert }) as never });
  };
  const records: Records<'/api/v1/monitoring/alerts'> = {
    name: 'alerts',
    path: '/api/v1/monitoring/alerts',
    title: t('title'),
    text: t('text'),
    sort: '-started_at',
    keyOf: ({ id }) => id,
    nameOf: ({ rule_name, device_uid }) => `${rule_name} · ${device_uid}`,
    onOpen: ({ id }) => open(id),
    columns: [
      { key: 'message', label: field('message'), render: ({ message }) => sentenceText(message) },
      statusColumn('severity', field('severity')),
      {
        key: 'device_uid',
        label: field('device'),
        render: ({ device_id, device_uid }) => (
          <Anchor component={Link} to={`/devices/${device_id}`} inherit>
            {device_uid}
          </Anchor>
        ),
      },
      { key: 'rule_name', label: field('rule'), optional: true },
      statusColumn('status', field('status')),
      instantColumn('started_at', field('started'), { ago: true }),
      {
        key: 'assigned_to',
        label: t('assignee_short'),
        render: ({ assigned_to }) => <UserName id={assigned_to} />,
      },
      { key: 'comment_count', label: t('comments'), optional: true },
      booleanColumn(
        'is_acknowledged',
        field('acknowledged'),
        { yes: words('yes'), no: words('no') },
        { optional: true },
      ),
      { key: 'occurrences', label: field('occurrences'), optional: true },
      instantColumn('cleared_at', field('ended'), { optional: true }),
    ],
    filters: [
      {
        key: 'is_acknowledged',
        label: field('acknowledged'),
        options: [
          { value: 'false', label: t('open') },
          { value: 'true', label: t('done') },
          { value: 'all', label: t('all') },
        ],
      },
      {
        key: 'severity',
        label: field('severity'),
        several: true,
        options: choices('status', SEVERITIES),
      },
      {
        key: 'status',
        label: field('status'),
        several: true,
        options: choices('status', STATUSES),
      },
      { key: 'device_id', label: field('device'), kind: 'device' },
      ...(isAtLeast(role, 'MANAGER')
        ? [{ key: 'assigned_to', label: t('assignee_short'), kind: 'person' } as const]
        : []),
    ],
    bulk: [
      {
        key: 'acknowledge',
        label: t('acknowledge'),
        least: 'USER',
        run: ({ id }) =>
          client.POST('/api/v1/monitoring/alerts/{alert_id}/acknowledge', { params: { path: { alert_id: id } } }),
      },
    ],
    actions: <AcknowledgeAll />,
    empty: {
      title: t('empty'),
      text: t('empty_text'),
      action: (
        <Button component={Link} to="/rules" variant="default">
          {t('rules')}
        </Button>
      ),
    },
  };
  return (
    <>
      <RecordsPage records={records} />
      <Drawer
        opened={opened > 0}
        onClose={() => open(undefined)}
        position="right"
        size="lg"
        title={t('title')}
        closeButtonProps={{ 'aria-label': words('close') }}
      >
        {opened > 0 && <AlertDetail key={opened} id={opened} />}
      </Drawer>
    </>
  );
}
