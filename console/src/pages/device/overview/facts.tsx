import { Code, Paper, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { api } from '#console/api/client.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import type { Device } from '../device.data.ts';
import { overviewTexts } from './overview.texts.ts';

/** Who a user is, in words: oneself, the e-mail address where the role may know it, else the number. */
export function UserName({ id }: { readonly id: number | null }) {
  const t = useTexts(overviewTexts);
  const me = useUser();
  const mayKnow = id !== null && id !== me.id && isAtLeast(me.role, 'ADMIN');
  const input = { params: { path: { user_id: id ?? 0 } } };
  const { data } = api.useQuery('get', '/api/v1/users/{user_id}', input, { enabled: mayKnow, staleTime: 300_000 });
  if (id === null) return '–';
  if (id === me.id) return t('you');
  return data?.email ?? t('user', { id: String(id) });
}

export function Facts({ device }: { readonly device: Device }) {
  const t = useTexts(overviewTexts);
  const { group_id, owner_id, firmware_version, ip_address, created_at, inactivity_seconds, metadata } = device;
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
