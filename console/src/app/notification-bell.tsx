import { ActionIcon, Indicator } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBell } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { useLive } from '#console/api/live.ts';
import { useThrottled } from '#console/api/throttled.ts';
import { succeeded } from '#console/components/toast.ts';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { shellTexts } from './shell.texts.ts';

/** How many are unread, live. */
export function NotificationBell() {
  const t = useTexts(shellTexts);
  const { notificationText } = useApiWords();
  const cache = useQueryClient();
  const { data } = api.useQuery('get', '/api/v1/notifications/unread-count');
  const changed = useThrottled(() => {
    void cache.invalidateQueries({ queryKey: ['get', '/api/v1/notifications/unread-count'] });
    void cache.invalidateQueries({ queryKey: ['get', '/api/v1/notifications'] });
  });
  useLive(null, 'notification', (notification) => {
    // Of a storm only what has room is shown: the list has all of them.
    notifications.cleanQueue();
    succeeded(notificationText(notification)[0]);
    changed();
  });
  const unread = data?.count ?? 0;
  return (
    <Indicator label={unread > 99 ? '99+' : unread} size={16} disabled={unread === 0} color="red.9" offset={4}>
      <ActionIcon
        component={Link}
        to="/notifications"
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={unread === 0 ? t('notifications') : `${t('notifications')}: ${t('unread', { count: unread })}`}
      >
        <IconBell size={20} stroke={1.6} />
      </ActionIcon>
    </Indicator>
  );
}
