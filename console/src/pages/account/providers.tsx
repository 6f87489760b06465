import { Button, Group, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api } from '#console/api/client.ts';
import { Failure } from '#console/components/states.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { accountTexts } from './account.texts.ts';
import { Section } from './section.tsx';

const ACCOUNTS = '/api/v1/auth/oauth-accounts';

/** Not there where no provider is configured and none ever was. */
export function Providers() {
  const t = useTexts(accountTexts);
  const cache = useQueryClient();
  const { data: known } = api.useQuery('get', '/api/v1/auth/oauth');
  const { data, error, refetch } = api.useQuery('get', ACCOUNTS, { params: { query: { size: 100 } } });
  const unlink = api.useMutation('delete', '/api/v1/auth/oauth-accounts/{account_id}', {
    onSuccess: () => void cache.invalidateQueries({ queryKey: ['get', ACCOUNTS] }),
    onError: failed,
  });
  const labelOf = (provider: string) => known?.items.find((each) => each.provider === provider)?.label ?? provider;
  if ((known?.items.length ?? 0) === 0 && (data?.total ?? 0) === 0) return null;
  return (
    <Section title={t('providers')} text={t('providers_text')}>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('no_providers')}
        </Text>
      )}
      {data?.items.map(({ id, provider, email, created_at }) => {
        const name = labelOf(provider);
        const path = { account_id: id };
        return (
          <Group key={id} justify="space-between" wrap="nowrap" gap="sm">
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={500}>
                {name}
              </Text>
              <Text size="xs" c="dimmed" data-text>
                {email} · <Instant at={created_at} />
              </Text>
            </div>
            <Button
              size="xs"
              variant="default"
              aria-label={t('unlink_label', { name })}
              onClick={() =>
                unlink.mutate({ params: { path } }, { onSuccess: () => succeeded(t('unlinked', { name })) })
              }
            >
              {t('unlink')}
            </Button>
          </Group>
        );
      })}
    </Section>
  );
}
