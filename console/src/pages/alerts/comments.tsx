import { Button, Group, Loader, Pagination, Paper, Stack, Text, Textarea, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { problemText } from '#console/api/problem.ts';
import { common } from '#console/app/common.texts.ts';
import { UserName } from '#console/components/record-name.tsx';
import { Failure } from '#console/components/states.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Alert } from './alert-detail.tsx';
import { alertsTexts } from './alerts.texts.ts';

const PAGE = 20;
const LONGEST = 2_000;

/** What was said about an alert, oldest first; the last page is shown first. */
export function Comments({ alert }: { readonly alert: Alert }) {
  const t = useTexts(alertsTexts);
  const words = useTexts(common);
  const pages = Math.max(1, Math.ceil(alert.comment_count / PAGE));
  const [chosen, setChosen] = useState<number | null>(null);
  const page = Math.min(chosen ?? pages, pages);
  const input = { params: { path: { alert_id: alert.id }, query: { page, size: PAGE } } };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/monitoring/alerts/{alert_id}/comments', input);
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        {t('comments')}
      </Title>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader size="sm" aria-label={words('loading')} />}
      {data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('no_comments')}
        </Text>
      )}
      {data?.items.map(({ id, author_id, author_name, text, created_at }) => (
        <Paper key={id} withBorder p="xs">
          <Group justify="space-between" gap="xs">
            <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
              <UserName id={author_id} known={author_name} />
            </Text>
            <Text size="xs" c="dimmed" component="div">
              <Instant at={created_at} ago />
            </Text>
          </Group>
          <Text size="sm" dir="auto" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {text}
          </Text>
        </Paper>
      ))}
      {pages > 1 && (
        <Pagination
          size="xs"
          total={pages}
          value={page}
          onChange={setChosen}
          aria-label={t('older')}
          getItemProps={(each) => ({ 'aria-label': `${t('comments')} ${each}` })}
          withControls={false}
        />
      )}
      <NewComment alert={alert} onSaid={() => setChosen(null)} />
    </Stack>
  );
}

function NewComment({ alert, onSaid }: { readonly alert: Alert; readonly onSaid: () => void }) {
  const t = useTexts(alertsTexts);
  const cache = useQueryClient();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const { error } = await client
      .POST('/api/v1/monitoring/alerts/{alert_id}/comments', {
        params: { path: { alert_id: alert.id } },
        body: { text },
      })
      .catch((error: unknown) => ({ error }));
    setBusy(false);
    setProblem(error === undefined ? null : problemText(error));
    if (error !== undefined) return;
    setText('');
    onSaid();
    await cache.invalidateQueries();
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <Stack gap="xs">
        <Textarea
          label={t('comment')}
          placeholder={t('comment_hint')}
          autosize
          minRows={2}
          maxLength={LONGEST}
          value={text}
          error={problem}
          onChange={({ currentTarget: { value } }) => setText(value)}
        />
        <Group justify="flex-end">
          <Button type="submit" size="xs" loading={busy} disabled={text.trim() === ''}>
            {t('send')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
