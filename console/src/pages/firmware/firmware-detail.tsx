import { Code, Drawer, Table } from '@mantine/core';
import { common } from '#console/app/common.texts.ts';
import { UserName } from '#console/components/record-name.tsx';
import { formatBytes, Instant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { ChangeHistory } from '#console/records/change-history.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import type { RowOf } from '#console/records/records.types.ts';
import { firmwareTexts } from './firmware.texts.ts';

export type Firmware = RowOf<'/api/v1/firmware'>;

/** All that is known of one image. */
export function FirmwareDetail({ image, onClose }: FirmwareDetailProps) {
  const words = useTexts(common);
  return (
    <Drawer
      opened={image !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={image === null ? '' : `${image.device_type} ${image.version}`}
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      {image !== null && <Facts image={image} />}
    </Drawer>
  );
}

function Facts({ image }: { readonly image: Firmware }) {
  const t = useTexts(firmwareTexts);
  const field = useTexts(fieldTexts);
  const { language } = useLanguage();
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    [field('sequence'), image.sequence],
    [field('size'), formatBytes(image.size, language)],
    ['SHA-256', <Code key="sha256">{image.sha256}</Code>],
    ['MD5', <Code key="md5">{image.md5}</Code>],
    [t('signed_by'), <Code key="key">{image.key_id}</Code>],
    [t('signature'), <Code key="signature">{image.signature}</Code>],
    [field('notes'), image.notes ?? '–'],
    [field('by'), <UserName key="by" id={image.created_by} />],
    [field('created'), <Instant key="created" at={image.created_at} />],
  ];
  return (
    <>
      <Table variant="vertical" highlightOnHover={false} layout="fixed">
        <Table.Tbody>
          {facts.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w="30%">{label}</Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <ChangeHistory of={{ type: 'firmware', id: image.id }} />
    </>
  );
}

interface FirmwareDetailProps {
  /** Null: none is open. */
  readonly image: Firmware | null;
  readonly onClose: () => void;
}
