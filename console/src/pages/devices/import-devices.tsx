import { Alert, Button, FileInput, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { common } from '#console/app/common.texts.ts';
import { Failure } from '#console/components/states.tsx';
import { WideTable } from '#console/components/wide-table.tsx';
import { namedFieldText } from '#console/i18n/api-words.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { csvField, save } from '#console/records/records.csv.ts';
import { importTexts } from './import.texts.ts';

type Report = components['schemas']['ImportReport'];

/** @throws the API's problem */
async function send(file: File, dryRun: boolean): Promise<Report> {
  const isJson = /json$/i.test(file.type) || /\.json$/i.test(file.name);
  const { data, error } = await client.POST('/api/v1/devices/import', {
    params: { query: { dry_run: dryRun } },
    headers: { 'content-type': isJson ? 'application/json' : 'text/csv' },
    body: file as never,
    bodySerializer: (body: unknown) => body as File,
  });
  if (error !== undefined) throw error;
  return data;
}

function saveSecrets(report: Report): void {
  const lines = report.rows.flatMap(({ credentials }) =>
    credentials === undefined ? [] : [[credentials.username, credentials.password].map(csvField).join(',')],
  );
  save('secrets.csv', 'text/csv', ['device_uid,secret', ...lines, ''].join('\r\n'));
}

/** First says what would become of each row, then does it. */
export function ImportDevices({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const t = useTexts(importTexts);
  const words = useTexts(common);
  const cache = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [report, setReport] = useState<Report | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const run = async (chosen: File, dryRun: boolean) => {
    setBusy(true);
    setError(null);
    try {
      setReport(await send(chosen, dryRun));
      if (!dryRun) await cache.invalidateQueries();
    } catch (failure) {
      setReport(null);
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const choose = (chosen: File | null) => {
    setFile(chosen);
    setReport(null);
    if (chosen !== null) void run(chosen, true);
  };
  const close = () => {
    choose(null);
    setError(null);
    onClose();
  };

  const valid = report?.rows.filter(({ status }) => status === 'valid').length ?? 0;
  const isDone = report?.dry_run === false;
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t('title')}
      size="lg"
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      <Stack>
        {!isDone && (
          <FileInput
            label={t('file')}
            description={t('hint')}
            placeholder={t('choose')}
            accept=".csv,.json,text/csv,application/json"
            value={file}
            onChange={choose}
          />
        )}
        {error !== null && <Failure error={error} />}
        {report && (
          <Text role="status">
            {isDone ? t('created', { count: report.created }) : t('valid', { count: valid })}
            {report.failed > 0 ? ` · ${t('failed', { count: report.failed })}` : ` · ${t('all_right')}`}
          </Text>
        )}
        {report && report.failed > 0 && <Flaws report={report} />}
        {isDone && report.created > 0 && (
          <Alert color="orange" variant="outline">
            {t('once')}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {words(isDone ? 'close' : 'cancel')}
          </Button>
          {isDone && report.created > 0 && <Button onClick={() => saveSecrets(report)}>{t('secrets')}</Button>}
          {!isDone && file !== null && (
            <Button loading={busy} disabled={valid === 0} onClick={() => void run(file, false)}>
              {t('go', { count: valid })}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function Flaws({ report }: { readonly report: Report }) {
  const t = useTexts(importTexts);
  const flaws = report.rows.flatMap(({ row, device_uid, errors = [] }) =>
    errors.map(({ path, message }) => ({ row, uid: device_uid, path, message })),
  );
  return (
    <WideTable label={t('flaw')} minWidth={400}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('row')}</Table.Th>
          <Table.Th>{t('uid')}</Table.Th>
          <Table.Th>{t('flaw')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {flaws.slice(0, 200).map(({ row, uid, path, message }) => (
          <Table.Tr key={`${row}${path}${message}`}>
            <Table.Td>{row}</Table.Td>
            <Table.Td>{uid ?? '–'}</Table.Td>
            <Table.Td>{namedFieldText(path.slice(1), message)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
