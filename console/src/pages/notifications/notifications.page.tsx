import { Button, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { failed } from '#console/components/toast.ts';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { booleanColumn, instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';

const texts = defineTexts({
  en: {
    title: 'Notifications',
    heading: 'Title',
    read_all: 'Mark all as read',
    mark_read: 'Mark as read',
    empty: 'Nothing to tell',
    empty_text: 'Alerts, reports, and messages of administrators come here, at once.',
  },
  ko: {
    title: '알림',
    heading: '제목',
    read_all: '모두 읽음으로 표시',
    mark_read: '읽음으로 표시',
    empty: '새로운 알림이 없습니다',
    empty_text: '경보, 보고서, 관리자가 보낸 메시지가 바로 이곳에 나타납니다.',
  },
});

export function NotificationsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { notificationText } = useApiWords();
  const cache = useQueryClient();
  const readAll = api.useMutation('post', '/api/v1/notifications/read-all', {
    onSuccess: () => cache.invalidateQueries(),
    onError: failed,
  });
  const records: Records<'/api/v1/notifications'> = {
    name: 'notifications',
    path: '/api/v1/notifications',
    title: t('title'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: (row) => notificationText(row)[0],
    columns: [
      {
        key: 'title',
        label: t('heading'),
        render: (row) => (
          <Text inherit fw={row.is_read ? 400 : 700}>
            {notificationText(row)[0]}
          </Text>
        ),
      },
      { key: 'message', label: field('message'), render: (row) => notificationText(row)[1] },
      booleanColumn('is_read', field('read'), { yes: words('yes'), no: words('no') }),
      instantColumn('created_at', field('time'), { ago: true }),
    ],
    filters: [
      {
        key: 'is_read',
        label: field('read'),
        options: [
          { value: 'true', label: words('yes') },
          { value: 'false', label: words('no') },
        ],
      },
    ],
    bulk: [
      {
        key: 'read',
        label: t('mark_read'),
        least: 'USER',
        run: async ({ id, is_read }) => {
          const params = { path: { notification_id: id } };
          const { error } = await client.POST('/api/v1/notifications/{notification_id}/read', { params });
          const undo = () => client.POST('/api/v1/notifications/{notification_id}/unread', { params });
          return is_read ? { error } : { error, undo };
        },
      },
      {
        key: 'delete',
        label: words('delete'),
        least: 'USER',
        run: ({ id }) =>
          client.DELETE('/api/v1/notifications/{notification_id}', { params: { path: { notification_id: id } } }),
      },
    ],
    actions: (
      <Button variant="default" loading={readAll.isPending} onClick={() => readAll.mutate({})}>
        {t('read_all')}
      </Button>
    ),
    empty: { title: t('empty'), text: t('empty_text') },
  };
  return <RecordsPage records={records} />;
}
