import { Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Failure, Splash } from '#console/components/states.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { WideTable } from '#console/components/wide-table.tsx';
import { formatBytes, Instant } from '#console/i18n/format.tsx';
import { useApiWords, useLanguage } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';

const texts = defineTexts({
  en: {
    title: 'System',
    text: 'The process that answers, the parts that it uses, and the room that it has.',
    components: 'Components',
    component: 'Component',
    status: 'Status',
    latency: 'Answered in',
    detail: 'Detail',
    process: 'Process',
    version: 'Version',
    runtime: 'Runtime',
    instance: 'Instance',
    roles: 'Roles',
    started: 'Started',
    memory: 'Memory',
    storage: 'Storage',
    data: 'Data folder',
    free: 'Free on its disk',
    disk: 'Size of the disk',
    adapters: 'Adapters',
    counts: 'Records',
    'adapters.relational': 'Users and devices',
    'adapters.documents': 'Logs and events',
    'adapters.telemetry': 'Telemetry',
    'adapters.shared_state': 'Shared state',
    'adapters.jobs': 'Background jobs',
    'adapters.mail': 'E-mail',
    'adapters.mqtt': 'MQTT broker',
    'counts.users': 'Users',
    'counts.devices': 'Devices',
    'counts.devices_online': 'Devices online',
    'counts.device_groups': 'Groups',
    'counts.alerts_active': 'Open alerts',
    'counts.alerts_not_acknowledged': 'Alerts not acknowledged',
  },
  ko: {
    title: '시스템 정보',
    text: '응답하는 프로세스와 사용하는 구성 요소, 저장 공간입니다.',
    components: '구성 요소',
    component: '구성 요소',
    status: '상태',
    latency: '응답 시간',
    detail: '상세',
    process: '프로세스',
    version: '버전',
    runtime: '실행 환경',
    instance: '인스턴스',
    roles: '역할',
    started: '시작 시각',
    memory: '메모리',
    storage: '저장 공간',
    data: '데이터 폴더',
    free: '디스크 여유 공간',
    disk: '디스크 크기',
    adapters: '어댑터',
    counts: '레코드',
    'adapters.relational': '사용자와 디바이스',
    'adapters.documents': '로그와 이벤트',
    'adapters.telemetry': '텔레메트리',
    'adapters.shared_state': '공유 상태',
    'adapters.jobs': '백그라운드 작업',
    'adapters.mail': '이메일',
    'adapters.mqtt': 'MQTT 브로커',
    'counts.users': '사용자',
    'counts.devices': '디바이스',
    'counts.devices_online': '온라인 디바이스',
    'counts.device_groups': '그룹',
    'counts.alerts_active': '발생 중인 경보',
    'counts.alerts_not_acknowledged': '확인하지 않은 경보',
  },
});

type Info = components['schemas']['SystemInfo'];

export function SystemPage() {
  const t = useTexts(texts);
  const { role } = useUser();
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Stack>
        {isAtLeast(role, 'SUPERADMIN') && <InfoParts />}
        <Components />
      </Stack>
    </>
  );
}

function Components() {
  const { valueText, sentenceText } = useApiWords();
  const t = useTexts(texts);
  const { language } = useLanguage();
  const { data, error, refetch } = api.useQuery('get', '/api/v1/monitoring/health', {}, { refetchInterval: 5_000 });
  const ms = new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond', maximumFractionDigits: 2 });
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">
        {t('components')}
      </Title>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Splash />}
      {data && (
        <WideTable label={t('components')} minWidth={520}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('component')}</Table.Th>
              <Table.Th>{t('status')}</Table.Th>
              <Table.Th ta="end">{t('latency')}</Table.Th>
              <Table.Th>{t('detail')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.components.map(({ component, status, latency_ms, detail }) => (
              <Table.Tr key={component}>
                <Table.Td>{valueText('component', component)}</Table.Td>
                <Table.Td>
                  <StatusBadge status={status === 'ok' ? 'OK' : 'ERROR'} />
                </Table.Td>
                <Table.Td ta="end">{ms.format(latency_ms)}</Table.Td>
                <Table.Td>{detail === null ? '–' : sentenceText(detail)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </WideTable>
      )}
    </Paper>
  );
}

/** What only a SUPERADMIN may know. */
function InfoParts() {
  const { data, error, refetch } = api.useQuery('get', '/api/v1/system/info', {}, { refetchInterval: 5_000 });
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  return data === undefined ? <Splash /> : <Parts info={data} />;
}

function Parts({ info }: { readonly info: Info }) {
  const { valueText } = useApiWords();
  const t = useTexts(texts);
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language);
  const { runtime, storage } = info;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Facts
        title={t('process')}
        rows={[
          [t('version'), info.version],
          [t('runtime'), `Node ${runtime.node} · ${runtime.platform} ${runtime.arch}`],
          [t('instance'), info.instance_id],
          [t('roles'), info.roles.join(', ')],
          [t('started'), <Instant key="started" at={info.started_at} ago />],
          [t('memory'), formatBytes(info.memory_bytes, language)],
        ]}
      />
      <Facts
        title={t('storage')}
        rows={[
          [t('data'), formatBytes(storage.data_bytes, language)],
          [t('free'), formatBytes(storage.free_bytes, language)],
          [t('disk'), formatBytes(storage.disk_bytes, language)],
        ]}
      />
      <Facts
        title={t('adapters')}
        rows={Object.entries(info.adapters).map(([name, adapter]) => [
          t(`adapters.${name}` as never),
          valueText('adapter', adapter),
        ])}
      />
      <Facts
        title={t('counts')}
        rows={Object.entries(info.counts).map(([name, count]) => [t(`counts.${name}` as never), number.format(count)])}
      />
    </SimpleGrid>
  );
}

function Facts({ title, rows }: FactsProps) {
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Table withRowBorders={false} highlightOnHover={false} verticalSpacing={3} layout="fixed">
        <Table.Tbody>
          {rows.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th fw={400} c="dimmed" ps={0} w="40%">
                {label}
              </Table.Th>
              <Table.Td>
                <Text size="sm" component="div">
                  {value}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

interface FactsProps {
  readonly title: string;
  readonly rows: readonly (readonly [label: string, value: ReactNode])[];
}
