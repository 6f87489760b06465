import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import type { Outcome } from '#console/components/undo.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { booleanColumn, instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import type { Field } from '#console/records/record-form.tsx';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';
import { useRecordForm } from '#console/records/use-record-form.tsx';
import { isAtLeast, type Role, useUser } from '#console/session/session.ts';

const texts = defineTexts({
  en: {
    title: 'Users',
    add: 'Add a user',
    change: 'Change a user',
    empty: 'No other users yet',
    empty_text: 'Users sign in here and at the API. Their role decides what they see and do.',
    deactivate: 'Deactivate',
    reactivated: 'Active again. Sessions and tokens that were ended stay ended.',
    password_hint: '8 to 128 characters',
  },
  ko: {
    title: '사용자',
    add: '사용자 추가',
    change: '사용자 수정',
    empty: '아직 다른 사용자가 없습니다',
    empty_text: '사용자는 이 콘솔과 API에 로그인합니다. 역할에 따라 볼 수 있는 것과 할 수 있는 일이 달라집니다.',
    deactivate: '비활성화',
    reactivated: '다시 활성화했습니다. 종료된 세션과 토큰은 되살아나지 않습니다.',
    password_hint: '8~128자',
  },
});

const ROLES: readonly Role[] = ['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER'];
type User = RowOf<'/api/v1/users'>;

/** A new address counts as not verified; what a user who is deactivated was signed in with has ended. */
async function change(user_id: number, changes: Readonly<Record<string, unknown>>, note: string): Promise<Outcome> {
  const along = 'email' in changes ? ['is_verified'] : [];
  const outcome = await changeRecord('/api/v1/users/{user_id}', { ids: { user_id }, changes, along });
  const { undo } = outcome;
  if (undo === undefined || changes['is_active'] !== false) return outcome;
  return { undo: async () => ({ ...(await undo()), note }) };
}

export function UsersPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { valueText, choices } = useApiWords();
  const me = useUser();
  const { openNew, openFor, form, row } = useRecordForm<User>();
  const grantable = ROLES.filter((role) => (role === 'SUPERADMIN' ? me.role === role : !isAtLeast(role, me.role)));
  const roles = choices('role', grantable);
  const fields: readonly Field[] = [
    { key: 'email', label: field('email'), kind: 'text', required: true },
    ...(row === undefined
      ? [
          {
            key: 'password',
            label: field('password'),
            kind: 'password',
            required: true,
            description: t('password_hint'),
          } as const,
        ]
      : []),
    { key: 'role', label: field('role'), kind: 'choice', options: roles, required: row === undefined },
    { key: 'full_name', label: field('full_name'), kind: 'text' },
    { key: 'phone', label: field('phone'), kind: 'text' },
    { key: 'organization', label: field('organization'), kind: 'text' },
    ...(row === undefined ? [] : [{ key: 'is_active', label: field('active'), kind: 'switch' } as const]),
  ];
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={openNew}>
      {t('add')}
    </Button>
  );
  const yesNo = { yes: words('yes'), no: words('no') };
  const records: Records<'/api/v1/users'> = {
    name: 'users',
    path: '/api/v1/users',
    title: t('title'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ email }) => email,
    onOpen: openFor,
    columns: [
      { key: 'email', label: field('email'), sortable: true },
      { key: 'full_name', label: field('full_name') },
      { key: 'role', label: field('role'), render: ({ role }) => valueText('role', role) },
      booleanColumn('is_active', field('active'), yesNo),
      booleanColumn('is_verified', field('verified'), yesNo),
      instantColumn('last_login_at', field('last_login'), { ago: true, sortable: false }),
      { key: 'organization', label: field('organization'), optional: true },
      instantColumn('created_at', field('created')),
    ],
    filters: [
      { key: 'role', label: field('role'), several: true, options: choices('role', ROLES) },
      {
        key: 'is_active',
        label: field('active'),
        options: [
          { value: 'true', label: words('yes') },
          { value: 'false', label: words('no') },
        ],
      },
    ],
    bulk: [
      {
        key: 'deactivate',
        label: t('deactivate'),
        least: 'ADMIN',
        run: ({ id }) => change(id, { is_active: false }, t('reactivated')),
      },
      {
        key: 'delete',
        label: words('delete'),
        color: 'red',
        least: 'ADMIN',
        run: ({ id }) => client.DELETE('/api/v1/users/{user_id}', { params: { path: { user_id: id } } }),
      },
    ],
    actions: add,
    empty: { title: t('empty'), text: t('empty_text'), action: add },
  };
  return (
    <>
      <RecordsPage records={records} />
      {form({
        audited: row && { type: 'user', id: row.id },
        title: row === undefined ? t('add') : t('change'),
        fields,
        submit: (body) =>
          row === undefined
            ? client.POST('/api/v1/users', { body: body as never })
            : change(row.id, body, t('reactivated')),
      })}
    </>
  );
}
