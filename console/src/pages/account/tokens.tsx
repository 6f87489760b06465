import { Button, Group, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { SecretOnce } from '#console/components/secret-once.tsx';
import { Failure, Splash } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { RecordForm } from '#console/records/record-form.tsx';
import { isAtLeast, type Role, useUser } from '#console/session/session.ts';
import { accountTexts } from './account.texts.ts';
import { Section } from './section.tsx';

const TOKENS = '/api/v1/auth/tokens';
const ROLES: readonly Role[] = ['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER'];

export function Tokens() {
  const t = useTexts(accountTexts);
  const words = useTexts(common);
  const { role: own } = useUser();
  const cache = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const { data, error, refetch } = api.useQuery('get', TOKENS, { params: { query: { size: 100 } } });
  const revoke = api.useMutation('delete', '/api/v1/auth/tokens/{token_id}', {
    onSuccess: () => void cache.invalidateQueries({ queryKey: ['get', TOKENS] }),
    onError: failed,
  });
  const ask = (id: number, name: string) =>
    modals.openConfirmModal({
      title: t('revoke_label', { name }),
      children: <Text size="sm">{t('revoke_text')}</Text>,
      labels: { confirm: t('revoke'), cancel: words('cancel') },
      confirmProps: { color: 'red' },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: () =>
        revoke.mutate({ params: { path: { token_id: id } } }, { onSuccess: () => succeeded(t('revoked', { name })) }),
    });
  return (
    <Section
      title={t('tokens')}
      text={t('tokens_text')}
      aside={
        <Button size="xs" onClick={() => setOpen(true)}>
          {t('new_token')}
        </Button>
      }
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Splash />}
      {data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('no_tokens')}
        </Text>
      )}
      {data?.items.map(({ id, name, role, read_only, expires_at, last_used_at }) => (
        <Group key={id} justify="space-between" wrap="nowrap" gap="sm">
          <div style={{ minWidth: 0 }}>
            <Text size="sm" fw={500} data-clamp data-text>
              {name}
            </Text>
            <Text size="xs" c="dimmed">
              {role}
              {read_only && ` · ${t('read_only')}`} · {t('expires')}{' '}
              {expires_at === null ? t('never') : <Instant at={expires_at} />} · {t('last_used')}{' '}
              <Instant at={last_used_at} ago />
            </Text>
          </div>
          <Button
            size="xs"
            variant="default"
            style={{ flexShrink: 0 }}
            aria-label={t('revoke_label', { name })}
            onClick={() => ask(id, name)}
          >
            {t('revoke')}
          </Button>
        </Group>
      ))}
      <RecordForm
        title={t('new_token')}
        submitLabel={t('new_token')}
        opened={isOpen}
        onClose={() => setOpen(false)}
        fields={[
          { key: 'name', label: t('token_name'), kind: 'text', required: true, description: t('token_hint') },
          {
            key: 'role',
            label: t('token_role'),
            kind: 'choice',
            options: ROLES.filter((role) => isAtLeast(own, role)).map((value) => ({ value, label: value })),
          },
          { key: 'read_only', label: t('token_read_only'), kind: 'switch' },
          { key: 'expires_at', label: t('token_expires'), kind: 'instant' },
        ]}
        submit={async (body) => {
          const answer = await client.POST(TOKENS, { body: body as never });
          if (answer.data !== undefined) setSecret(answer.data.token);
          return answer;
        }}
      />
      <SecretOnce title={t('token_created')} secret={secret} onClose={() => setSecret(null)} />
    </Section>
  );
}
