import { Code, Paper, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { api } from '#console/api/client.ts';
import { UserName } from '#console/components/record-name.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { overviewTexts } from './overview.texts.ts';

export function Facts({ device }: { readonly device: Device }) {
  const t = useTexts(overviewTexts);
  const { group_id, owner_id, firmware_version, ip_address, created_at, inactivity_seconds, timezone, metadata } =
    device;
  const input = { params: { path: { group_id: group_id ?? 0 } } };
  const { data: group } = api.useQuery('get', '/api/v1/device-groups/{group_id}', input, {
    enabled: group_id !== null,
  });
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('group'), group_id === null ? '–' : (group?.name ?? String(group_id))],
    [t('owner'), <UserName key="owner" id={owner_id} />],
    [t('firmware'), firmware_version ?? '–'],
    [t('address'), ip_address ?? '–'],
    [t('registered'), <Instant key="registered" at={created_at} />],
    [t('timezone'), timezone ?? '–'],
    [t('silent_after'), inactivity_seconds === null ? t('by_default') : t('seconds', { count: inactivity_seconds })],
  ];
  const hasMetadata = Object.keys((metadata ?? {}) as object).length > 0;
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">
        {t('about')}
      </Title>
      <Table withRowBorders={false} highlightOnHover={false} verticalSpacing={3} layout="fixed">
        <Table.Tbody>
          {facts.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th fw={400} c="dimmed" ps={0} w="40%">
                {label}
              </Table.Th>
              <Table.Td>
                <div data-clamp>{value}</div>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {hasMetadata && (
        <>
          <Text size="sm" c="dimmed" mt="xs" mb={4}>
            {t('metadata')}
          </Text>
          <Code block tabIndex={0} role="region" aria-label={t('metadata')} mah={240} style={{ overflow: 'auto' }}>
            {JSON.stringify(metadata, null, 2)}
          </Code>
        </>
      )}
    </Paper>
  );
}
