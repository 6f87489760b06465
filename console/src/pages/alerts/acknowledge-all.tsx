import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconChecks } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { failed, succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { alertsTexts } from './alerts.texts.ts';

/** As many as one request takes. */
const MOST = 1_000;
const PAGE = 100;

/** The ids of what the filters of the list match and nobody has acknowledged: exactly those that are counted are meant. */
async function matching(search: Readonly<Record<string, unknown>>): Promise<readonly number[]> {
  const kept = Object.entries(search).filter(([key]) =>
    ['q', 'severity', 'status', 'device_id', 'assigned_to'].includes(key),
  );
  const ids: number[] = [];
  for (let page = 1; ids.length < MOST; page += 1) {
    const query = { ...Object.fromEntries(kept), is_acknowledged: 'false' as const, size: PAGE, page };
    const { data, error } = await client.GET('/api/v1/monitoring/alerts', { params: { query: query as never } });
    if (error !== undefined) throw error;
    ids.push(...data.items.map(({ id }) => id));
    if (page >= data.pages) break;
  }
  return ids.slice(0, MOST);
}

/** Acknowledges all that the list matches, on all its pages, after saying how many they are. */
export function AcknowledgeAll() {
  const t = useTexts(alertsTexts);
  const words = useTexts(common);
  const { role } = useUser();
  const cache = useQueryClient();
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const [ids, setIds] = useState<readonly number[] | null>(null);
  const [busy, setBusy] = useState(false);
  if (!isAtLeast(role, 'MANAGER') || search['is_acknowledged'] === 'true') return null;

  const doing = async (work: () => Promise<void>) => {
    setBusy(true);
    await work().catch(failed);
    setBusy(false);
  };
  const go = async () => {
    const { data, error } = await client.POST('/api/v1/monitoring/alerts/acknowledge', {
      body: { ids: [...(ids ?? [])] },
    });
    if (error !== undefined) throw error;
    setIds(null);
    succeeded(t('acknowledged_count', { count: data.acknowledged }));
    await cache.invalidateQueries();
  };
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconChecks size={16} />}
        loading={busy && ids === null}
        onClick={() => void doing(async () => setIds(await matching(search)))}
      >
        {t('acknowledge_all')}
      </Button>
      <Modal
        opened={ids !== null}
        onClose={() => setIds(null)}
        title={t('acknowledge_all')}
        closeButtonProps={{ 'aria-label': words('close') }}
      >
        <Stack>
          <Text size="sm">{t('acknowledge_all_text', { count: ids?.length ?? 0 })}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setIds(null)}>
              {words('cancel')}
            </Button>
            <Button loading={busy} disabled={ids?.length === 0} onClick={() => void doing(go)}>
              {t('acknowledge')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
