import { Button, Paper } from '@mantine/core';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { SecretOnce } from '#console/components/secret-once.tsx';
import { useDialog } from '#console/components/use-dialog.ts';
import { Instant } from '#console/i18n/format.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { booleanColumn, instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordForm } from '#console/records/record-form.tsx';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { isAtLeast, type Role, useUser } from '#console/session/session.ts';
import { accountTexts } from './account.texts.ts';

const TOKENS = '/api/v1/auth/tokens';
const ROLES: readonly Role[] = ['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER'];

export function Tokens() {
  const t = useTexts(accountTexts);
  const words = useTexts(common);
  const { valueText, choices } = useApiWords();
  const { role: own } = useUser();
  const field = useTexts(fieldTexts);
  const [isOpen, making] = useDialog('token');
  const [secret, setSecret] = useState<string | null>(null);
  const records: Records<typeof TOKENS> = {
    name: 'tokens',
    path: TOKENS,
    title: t('tokens'),
    text: t('tokens_text'),
    isPart: true,
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      { key: 'role', label: field('role'), render: ({ role }) => valueText('role', role) },
      booleanColumn('read_only', t('read_only'), { yes: words('yes'), no: words('no') }),
      {
        key: 'expires_at',
        label: field('expires'),
        sortable: true,
        render: ({ expires_at }) => (expires_at === null ? t('never') : <Instant at={expires_at} />),
      },
      instantColumn('last_used_at', t('token_used'), { ago: true }),
      instantColumn('created_at', field('created'), { optional: true }),
    ],
    bulk: [
      {
        key: 'revoke',
        label: t('revoke'),
        color: 'red',
        least: 'USER',
        run: ({ id }) => client.DELETE('/api/v1/auth/tokens/{token_id}', { params: { path: { token_id: id } } }),
      },
    ],
    actions: (
      <Button size="xs" onClick={making.open}>
        {t('new_token')}
      </Button>
    ),
    empty: { title: t('no_tokens'), text: t('no_tokens_text') },
  };
  return (
    <Paper withBorder p="md" component="section" mt="md">
      <RecordsPage records={records} />
      <RecordForm
        title={t('new_token')}
        submitLabel={t('new_token')}
        opened={isOpen}
        onClose={making.close}
        fields={[
          { key: 'name', label: t('token_name'), kind: 'text', required: true, description: t('token_hint') },
          {
            key: 'role',
            label: t('token_role'),
            kind: 'choice',
            options: choices(
              'role',
              ROLES.filter((role) => isAtLeast(own, role)),
            ),
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
    </Paper>
  );
}
