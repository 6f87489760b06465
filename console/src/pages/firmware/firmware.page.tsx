import { Button, Code } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { useDialog } from '#console/components/use-dialog.ts';
import { formatBytes } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { firmwareTexts } from './firmware.texts.ts';
import { type Firmware, FirmwareDetail } from './firmware-detail.tsx';
import { UploadFirmware } from './upload-firmware.tsx';

export function FirmwarePage() {
  const t = useTexts(firmwareTexts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { language } = useLanguage();
  const [isUploading, uploading] = useDialog('upload');
  const [opened, setOpened] = useState<Firmware | null>(null);
  const upload = (
    <Button leftSection={<IconUpload size={16} />} onClick={uploading.open}>
      {t('upload')}
    </Button>
  );
  const records: Records<'/api/v1/firmware'> = {
    name: 'firmware',
    path: '/api/v1/firmware',
    title: t('title'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ device_type, version }) => `${device_type} ${version}`,
    onOpen: setOpened,
    columns: [
      { key: 'version', label: field('version'), sortable: true },
      { key: 'device_type', label: field('device_type'), sortable: true },
      { key: 'sequence', label: field('sequence') },
      { key: 'size', label: field('size'), render: ({ size }) => formatBytes(size, language) },
      { key: 'sha256', label: 'SHA-256', render: ({ sha256 }) => <Code>{sha256.slice(0, 12)}…</Code> },
      { key: 'key_id', label: t('signed_by'), optional: true },
      { key: 'notes', label: field('notes') },
      instantColumn('created_at', field('created'), { ago: true }),
    ],
    filters: [
      { key: 'device_type', label: field('device_type') },
      { key: 'version', label: field('version') },
    ],
    bulk: [
      {
        key: 'delete',
        label: words('delete'),
        color: 'red',
        least: 'MANAGER',
        run: ({ id }) => client.DELETE('/api/v1/firmware/{firmware_id}', { params: { path: { firmware_id: id } } }),
      },
    ],
    actions: upload,
    empty: { title: t('empty'), text: t('empty_text'), action: upload },
  };
  return (
    <>
      <RecordsPage records={records} />
      <FirmwareDetail image={opened} onClose={() => setOpened(null)} />
      <UploadFirmware opened={isUploading} onClose={uploading.close} />
    </>
  );
}
