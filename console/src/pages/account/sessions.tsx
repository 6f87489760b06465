import { Badge, Button, Group, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQueryClient } from '@tanstack/react-query';
import { api, client } from '#console/api/client.ts';
import { closeLive } from '#console/api/live.ts';
import { common } from '#console/app/common.texts.ts';
import { Failure, Splash } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { COOKIE_HEADER, end } from '#console/session/session.ts';
import { accountTexts } from './account.texts.ts';
import { Section } from './section.tsx';

const SESSIONS = '/api/v1/auth/sessions';
const header = COOKIE_HEADER;

export function Sessions() {
  const t = useTexts(accountTexts);
  const words = useTexts(common);
  const cache = useQueryClient();
  const query = { params: { query: { size: 100 } } };
  const { data, error, refetch } = api.useQuery('get', SESSIONS, query);
  const endOne = api.useMutation('delete', '/api/v1/auth/sessions/{session_id}', {
    onSuccess: () => {
      succeeded(t('ended'));
      void cache.invalidateQueries({ queryKey: ['get', SESSIONS] });
    },
    onError: failed,
  });
  const endAll = () =>
    modals.openConfirmModal({
      title: t('end_all'),
      children: <Text size="sm">{t('end_all_text')}</Text>,
      labels: { confirm: t('end_all'), cancel: words('cancel') },
      confirmProps: { color: 'red' },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: async () => {
        const answer = await client
          .POST('/api/v1/auth/logout', { params: { header } })
          .catch((failure) => ({ error: failure }));
        if (answer.error !== undefined) return failed(answer.error);
        closeLive();
        end();
      },
    });
  return (
    <Section
      title={t('sessions')}
      text={t('sessions_text')}
      aside={
        <Button size="xs" variant="default" onClick={endAll}>
          {t('end_all')}
        </Button>
      }
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Splash />}
      {data?.items.map(({ id, user_agent, address, current, last_used_at }) => (
        <Group key={id} justify="space-between" wrap="nowrap" gap="sm">
          <div style={{ minWidth: 0 }}>
            <Text size="sm" data-clamp data-text>
              {programOf(user_agent) ?? t('program')}
            </Text>
            <Text size="xs" c="dimmed">
              {address} · {t('last_used')} <Instant at={last_used_at} ago />
            </Text>
          </div>
          {current ? (
            <Badge color="teal.9" style={{ flexShrink: 0 }}>
              {t('this_one')}
            </Badge>
          ) : (
            <Button
              size="xs"
              variant="default"
              style={{ flexShrink: 0 }}
              aria-label={t('end_label', { name: user_agent ?? t('program') })}
              onClick={() => endOne.mutate({ params: { path: { session_id: id }, header } })}
            >
              {t('end')}
            </Button>
          )}
        </Group>
      ))}
    </Section>
  );
}

const BROWSERS = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const;
const SYSTEMS = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
] as const;

/** `Firefox, Windows` for a browser; another program as it calls itself. */
function programOf(userAgent: string | null): string | null {
  const found = (known: readonly (readonly [RegExp, string])[]) => known.find(([at]) => at.test(userAgent ?? ''))?.[1];
  const browser = found(BROWSERS);
  return browser === undefined ? userAgent : [browser, found(SYSTEMS)].filter(Boolean).join(', ');
}
