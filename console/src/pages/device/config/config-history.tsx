import { Button, Group, Loader, Modal, Paper, Table, Text, Title, VisuallyHidden } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { common } from '#console/app/common.texts.ts';
import { JsonDiff, sortedJson } from '#console/components/json-editor.tsx';
import { Pages } from '#console/components/pages.tsx';
import { Failure } from '#console/components/states.tsx';
import { failed } from '#console/components/toast.ts';
import { useSay } from '#console/components/undo.tsx';
import { WideTable } from '#console/components/wide-table.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import {
  type ConfigVersion,
  type DeviceConfig,
  refreshConfig,
  rollBack,
  undoOf,
  useConfigHistory,
} from './config.data.ts';
import { configTexts } from './config.texts.ts';
import { useWho } from './who.ts';

const SIZE = 10;

/** Every version, by whom and when, to be compared with the present one and brought back. */
export function ConfigHistory({ device, config }: ConfigHistoryProps) {
  const t = useTexts(configTexts);
  const words = useTexts(common);
  const cache = useQueryClient();
  const say = useSay();
  const [page, setPage] = useState(1);
  const [compared, setCompared] = useState<ConfigVersion | null>(null);
  const { data, error, refetch } = useConfigHistory(device.id, page, SIZE);
  const current = config.desired.version;

  const rollback = ({ version }: ConfigVersion) =>
    modals.openConfirmModal({
      title: t('rollback_title', { version: String(version) }),
      children: <Text size="sm">{t('rollback_text', { version: String(version) })}</Text>,
      labels: { confirm: t('rollback'), cancel: words('cancel') },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: async () => {
        const answer = await rollBack(device.id, version, current);
        const saved = answer.data?.desired.version ?? current;
        if (answer.error !== undefined) failed(answer.error);
        else if (saved === current) say(t('unchanged'));
        else say(t('saved', { version: String(saved) }), undoOf(device.id, current, saved));
        await refreshConfig(cache);
      },
    });
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">
        {t('history')}
      </Title>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader size="sm" aria-label={t('loading')} />}
      {data?.total === 0 && <Text size="sm">{t('history_empty')}</Text>}
      {data !== undefined && data.total > 0 && (
        <WideTable label={t('history')} minWidth={560}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('version', { version: '' })}</Table.Th>
              <Table.Th>{t('at')}</Table.Th>
              <Table.Th>{t('who')}</Table.Th>
              <Table.Th>
                <VisuallyHidden>{t('rollback')}</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.items.map((each) => (
              <Version
                key={each.version}
                change={each}
                isCurrent={each.version === current}
                onCompare={() => setCompared(each)}
                onRollback={() => rollback(each)}
              />
            ))}
          </Table.Tbody>
        </WideTable>
      )}
      {data !== undefined && data.pages > 1 && <Pages total={data.pages} value={page} onChange={setPage} />}
      <Modal
        size="xl"
        opened={compared !== null}
        onClose={() => setCompared(null)}
        title={t('compare_title', { version: String(compared?.version ?? '') })}
        closeButtonProps={{ 'aria-label': words('close') }}
      >
        {compared !== null && (
          <JsonDiff
            label={t('differences')}
            left={{
              label: t('version', { version: String(compared.version) }),
              text: sortedJson(compared.config),
            }}
            right={{ label: t('current'), text: sortedJson(config.desired.config) }}
          />
        )}
      </Modal>
    </Paper>
  );
}

function Version({ change, isCurrent, onCompare, onRollback }: VersionProps) {
  const t = useTexts(configTexts);
  const who = useWho(change);
  const { version, created_at } = change;
  return (
    <Table.Tr>
      <Table.Td>
        {version} {isCurrent && `(${t('current')})`}
      </Table.Td>
      <Table.Td>
        <Instant at={created_at} />
      </Table.Td>
      <Table.Td maw={260}>
        <div data-clamp>{who}</div>
      </Table.Td>
      <Table.Td>
        {!isCurrent && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button size="compact-sm" variant="default" onClick={onCompare}>
              {t('compare')}
            </Button>
            <Button size="compact-sm" variant="default" onClick={onRollback}>
              {t('rollback')}
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

interface ConfigHistoryProps {
  readonly device: Device;
  readonly config: DeviceConfig;
}

interface VersionProps {
  readonly change: ConfigVersion;
  readonly isCurrent: boolean;
  readonly onCompare: () => void;
  readonly onRollback: () => void;
}
