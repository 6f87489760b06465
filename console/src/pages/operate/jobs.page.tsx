import { Button, Code, Group, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconExternalLink, IconPlayerPlay } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { BASE } from '#console/app/base.ts';
import { common } from '#console/app/common.texts.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Failure, Splash } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { WideTable } from '#console/components/wide-table.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { QueuesPanel } from '#console/pages/overview/operation-panels.tsx';
import { accessToken } from '#console/session/session.ts';

const texts = defineTexts({
  en: {
    title: 'Jobs',
    text: 'What the system does in the background, and when it does it next.',
    job: 'Job',
    schedule: 'Schedule',
    on_demand: 'on demand',
    next: 'Next run',
    queue: 'Queue',
    run: 'Run now',
    run_label: 'Run {name} now',
    run_text: 'It runs once as soon as a worker is free. Its schedule stays as it is.',
    needs_data: 'Needs data: run it from the dashboard',
    started: '{name} waits in its queue.',
    dashboard: 'Runs and failures',
  },
  ko: {
    title: '작업',
    text: '시스템이 백그라운드에서 하는 일과 다음 실행 시각입니다.',
    job: '작업',
    schedule: '일정',
    on_demand: '요청할 때만',
    next: '다음 실행',
    queue: '큐',
    run: '지금 실행',
    run_label: '{name} 지금 실행',
    run_text: '워커가 비는 대로 한 번 실행합니다. 정해진 일정은 그대로입니다.',
    needs_data: '데이터가 필요하므로 대시보드에서 실행하세요',
    started: '{name} 작업을 큐에 넣었습니다.',
    dashboard: '실행 기록과 실패',
  },
});

type Job = components['schemas']['Job'];

const JOBS = '/api/v1/system/jobs';

/** The dashboard takes the token once and keeps it as a cookie of its own. */
async function openDashboard(): Promise<void> {
  // Renews the token if it has expired.
  await client.GET('/api/v1/users/me');
  const headers = { authorization: `Bearer ${accessToken()}` };
  const answer = await fetch(`${BASE}/jobs/enter`, { method: 'POST', headers });
  if (!answer.ok) throw await answer.json();
  location.assign(`${BASE}/jobs`);
}

export function JobsPage() {
  const t = useTexts(texts);
  const words = useTexts(common);
  const { valueText, sentenceText } = useApiWords();
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const { data, error, refetch } = api.useQuery('get', JOBS, {}, { refetchInterval: 5_000 });
  const run = api.useMutation('post', '/api/v1/system/jobs/{name}/run', {
    onSuccess: ({ name }) => {
      succeeded(t('started', { name }));
      void cache.invalidateQueries({ queryKey: ['get', JOBS] });
    },
    onError: failed,
  });
  const ask = ({ name, description }: Job) =>
    modals.openConfirmModal({
      title: t('run_label', { name }),
      children: (
        <Stack gap="xs">
          <Text size="sm">{sentenceText(description)}</Text>
          <Text size="sm" c="dimmed">
            {t('run_text')}
          </Text>
        </Stack>
      ),
      labels: { confirm: t('run'), cancel: words('cancel') },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: () => run.mutate({ params: { path: { name } }, body: {} }),
    });
  const enter = () => {
    setBusy(true);
    openDashboard()
      .catch(failed)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <PageHeader title={t('title')} text={t('text')}>
        <Button variant="default" leftSection={<IconExternalLink size={16} />} loading={busy} onClick={enter}>
          {t('dashboard')}
        </Button>
      </PageHeader>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Splash />}
      {data && (
        <Stack>
          <Group grow maw={560}>
            <QueuesPanel />
          </Group>
          <WideTable label={t('title')} minWidth={760}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('job')}</Table.Th>
                <Table.Th>{t('schedule')}</Table.Th>
                <Table.Th>{t('next')}</Table.Th>
                <Table.Th>{t('queue')}</Table.Th>
                <Table.Th>
                  <VisuallyHidden>{t('run')}</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.items.map((job) => (
                <Table.Tr key={job.name}>
                  <Table.Td maw={380}>
                    <Text size="sm" fw={600}>
                      {job.name}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {sentenceText(job.description)}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {job.schedule === null ? (
                      t('on_demand')
                    ) : (
                      <Code style={{ whiteSpace: 'nowrap' }}>{job.schedule}</Code>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Instant at={job.next_run_at} />
                  </Table.Td>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>{valueText('queue', job.queue)}</Table.Td>
                  <Table.Td ta="end">
                    {job.runs_without_data ? (
                      <Button
                        size="xs"
                        variant="default"
                        leftSection={<IconPlayerPlay size={14} />}
                        aria-label={t('run_label', { name: job.name })}
                        onClick={() => ask(job)}
                      >
                        {t('run')}
                      </Button>
                    ) : (
                      <Text size="xs" c="dimmed">
                        {t('needs_data')}
                      </Text>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </WideTable>
        </Stack>
      )}
    </>
  );
}
