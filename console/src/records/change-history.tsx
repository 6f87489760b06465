import { Code, Stack, Text, Timeline } from '@mantine/core';
import { api } from '#console/api/client.ts';
import { UserName } from '#console/components/record-name.tsx';
import { Failure } from '#console/components/states.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';

const texts = defineTexts({
  en: {
    title: 'Who changed this',
    nobody: 'Nobody has changed it since the audit trail began.',
    system: 'the system',
  },
  ko: {
    title: '변경 이력',
    nobody: '감사 기록에 남은 변경이 없습니다.',
    system: '시스템',
  },
});

/** As the audit trail names it. */
export interface AuditedRecord {
  readonly type: string;
  readonly id: string | number;
}

/** The last changes of one record, for those who may read the audit trail. */
export function ChangeHistory({ of }: { readonly of: AuditedRecord }) {
  const { role } = useUser();
  return isAtLeast(role, 'ADMIN') ? <Changes of={of} /> : null;
}

function Changes({ of }: { readonly of: AuditedRecord }) {
  const { valueText } = useApiWords();
  const t = useTexts(texts);
  const query = { resource_type: [of.type], resource_id: [String(of.id)], size: 10, sort: '-created_at' };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/system/audit-logs', { params: { query } });
  return (
    <Stack gap="xs" mt="xl">
      <Text fw={600} size="sm">
        {t('title')}
      </Text>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('nobody')}
        </Text>
      )}
      <Timeline bulletSize={12} lineWidth={2}>
        {(data?.items ?? []).map(({ id, action, user_id, created_at, details }) => (
          <Timeline.Item key={id}>
            <Text size="sm">
              {valueText('action', action)} · {user_id === null ? t('system') : <UserName id={user_id} />}
            </Text>
            <Text size="xs" c="dimmed">
              <Instant at={created_at} ago />
            </Text>
            {Object.keys(details).length > 0 && <Code block>{JSON.stringify(details, null, 1)}</Code>}
          </Timeline.Item>
        ))}
      </Timeline>
    </Stack>
  );
}
