import { Alert, Loader, Paper, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { api } from '#console/api/client.ts';
import { Failure } from '#console/components/states.tsx';
import { WideTable } from '#console/components/wide-table.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import type { Device } from './device.data.ts';
import { Credentials } from './device-actions.tsx';
import { Snippets } from './first-steps/snippets.tsx';

const texts = defineTexts({
  en: {
    sessions: 'Connections that stand',
    no_session: 'The device has no MQTT connection.',
    incomplete: 'There may be more: the broker told another process, or told it before this one started.',
    protocol: 'Protocol',
    address: 'Address',
    since: 'Since',
    listens: 'Listens to',
    nothing: 'nothing',
    refusals: 'Last refusals',
    no_refusal: 'No connection was refused lately.',
    refusals_unknown: 'The broker does not tell whom it refuses.',
    at: 'When',
    reason: 'Reason',
    how: 'Connect this device',
    how_text: 'Ready to be run, with the address of this server and the user name of the device.',
    loading: 'Loading…',
  },
  ko: {
    sessions: '현재 연결',
    no_session: 'MQTT 연결이 없습니다.',
    incomplete:
      '연결이 더 있을 수 있습니다. 브로커가 다른 프로세스에 알렸거나, 이 프로세스가 시작되기 전에 알린 연결은 보이지 않습니다.',
    protocol: '프로토콜',
    address: '주소',
    since: '연결 시각',
    listens: '구독 중',
    nothing: '없음',
    refusals: '최근 거부된 연결',
    no_refusal: '최근에 거부된 연결이 없습니다.',
    refusals_unknown: '이 브로커는 거부한 연결을 알려 주지 않습니다.',
    at: '시각',
    reason: '사유',
    how: '디바이스 연결 방법',
    how_text: '이 서버의 주소와 디바이스의 사용자 이름을 채운, 바로 실행할 수 있는 예제입니다.',
    loading: '불러오는 중…',
  },
});

/** How the device is connected, why it was refused, and how to connect it. */
export function ConnectionTab({ device }: { readonly device: Device }) {
  const t = useTexts(texts);
  const { valueText } = useApiWords();
  const input = { params: { path: { device_id: device.id } } };
  const often = { refetchInterval: 5_000 };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/devices/{device_id}/connection', input, often);
  return (
    <Stack>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loader aria-label={t('loading')} />}
      {data !== undefined && (
        <>
          <Part title={t('sessions')}>
            {data.sessions.length === 0 && <Text size="sm">{t('no_session')}</Text>}
            {data.sessions.length > 0 && (
              <Rows
                label={t('sessions')}
                heads={[t('protocol'), t('address'), t('since'), t('listens')]}
                rows={data.sessions.map((session) => ({
                  key: session.connection_id,
                  cells: [
                    `MQTT ${session.protocol}${session.transport === null ? '' : ` · ${session.transport}`}`,
                    session.ip_address ?? '–',
                    <Instant key="since" at={session.connected_at} ago />,
                    session.channels.join(', ') || t('nothing'),
                  ],
                }))}
              />
            )}
            {!data.is_complete && (
              <Alert color="orange" variant="outline" mt="sm">
                {t('incomplete')}
              </Alert>
            )}
          </Part>
          <Part title={t('refusals')}>
            {data.refusals === null && <Text size="sm">{t('refusals_unknown')}</Text>}
            {data.refusals?.length === 0 && <Text size="sm">{t('no_refusal')}</Text>}
            {data.refusals !== null && data.refusals.length > 0 && (
              <Rows
                label={t('refusals')}
                heads={[t('at'), t('reason'), t('address')]}
                rows={data.refusals.map(({ at, reason, ip_address }, index) => ({
                  key: `${at}-${index}`,
                  cells: [<Instant key="at" at={at} />, valueText('reason', reason), ip_address ?? '–'],
                }))}
              />
            )}
          </Part>
        </>
      )}
      <Part title={t('how')}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {t('how_text')}
          </Text>
          <Credentials device={device} />
          <Snippets device={device} />
        </Stack>
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" miw={0}>
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

function Rows({ label, heads, rows }: RowsProps) {
  return (
    <WideTable label={label} minWidth={520}>
      <Table.Thead>
        <Table.Tr>
          {heads.map((head) => (
            <Table.Th key={head}>{head}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ key, cells }) => (
          <Table.Tr key={key}>
            {cells.map((cell, index) => (
              <Table.Td key={heads[index]}>{cell}</Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

interface RowsProps {
  readonly label: string;
  readonly heads: readonly string[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ReactNode[] }[];
}
