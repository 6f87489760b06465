import { Button, Code } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { type Outcome, OVERTAKEN } from '#console/components/undo.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { booleanColumn, instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';
import { useRecordForm } from '#console/records/use-record-form.tsx';

const texts = defineTexts({
  en: {
    title: 'Values',
    text: 'Values that programs of yours read and write under a key.',
    add: 'Add a value',
    change: 'Change a value',
    empty: 'No values yet',
    empty_text: 'Keep here what your own programs share, secrets included: those are stored sealed.',
    json: 'Value (JSON)',
  },
  ko: {
    title: '설정값',
    text: '직접 만든 프로그램이 키로 읽고 쓰는 값입니다.',
    add: '값 추가',
    change: '값 수정',
    empty: '아직 값이 없습니다',
    empty_text: '프로그램끼리 함께 쓸 값을 여기에 둡니다. 시크릿 값은 암호화해서 저장합니다.',
    json: '값(JSON)',
  },
});

const PATH = '/api/v1/system/configs/{key}';
type Config = RowOf<'/api/v1/system/configs'>;

export function ConfigsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { openNew, openFor, form, row } = useRecordForm<Config>();
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={openNew}>
      {t('add')}
    </Button>
  );
  const records: Records<'/api/v1/system/configs'> = {
    name: 'values',
    path: '/api/v1/system/configs',
    title: t('title'),
    text: t('text'),
    sort: 'key',
    keyOf: ({ key }) => key,
    nameOf: ({ key }) => key,
    onOpen: openFor,
    columns: [
      { key: 'key', label: field('key'), sortable: true },
      {
        key: 'value',
        label: field('value'),
        render: ({ value, is_secret }) => (is_secret ? '•••' : <Code>{JSON.stringify(value)}</Code>),
      },
      booleanColumn('is_secret', field('secret'), { yes: words('yes'), no: words('no') }),
      { key: 'description', label: field('description') },
      instantColumn('updated_at', field('updated')),
    ],
    bulk: [
      {
        key: 'delete',
        label: words('delete'),
        color: 'red',
        least: 'ADMIN',
        run: ({ key }) => client.DELETE('/api/v1/system/configs/{key}', { params: { path: { key } } }),
      },
    ],
    actions: add,
    empty: { title: t('empty'), text: t('empty_text'), action: add },
  };
  return (
    <>
      <RecordsPage records={records} />
      {form({
        audited: row && { type: 'system_config', id: row.key },
        title: row === undefined ? t('add') : t('change'),
        fields: [
          ...(row === undefined ? [{ key: 'key', label: field('key'), kind: 'text', required: true } as const] : []),
          { key: 'value', label: t('json'), kind: 'json', required: true },
          { key: 'is_secret', label: field('secret'), kind: 'switch' },
          { key: 'description', label: field('description'), kind: 'text' },
        ],
        // The API replaces: what was not touched stays.
        submit: ({ key = row?.key, ...body }) => put(String(key), { ...keptOf(row), ...body }, row),
      })}
    </>
  );
}

/** Without the value of a secret, which the API does not give. */
const keptOf = (row: Config | undefined): object =>
  row === undefined
    ? {}
    : { is_secret: row.is_secret, description: row.description, ...(row.is_secret ? {} : { value: row.value }) };

async function put(key: string, body: object, before: Config | undefined): Promise<Outcome> {
  const call = { params: { path: { key } } };
  const { data, error } = await client.PUT(PATH, { ...call, body: body as never });
  if (error !== undefined || before === undefined || before.is_secret) return { error };
  return {
    undo: async () => {
      const now = await client.GET(PATH, call);
      if (now.data?.updated_at !== data.updated_at) return { error: now.error ?? OVERTAKEN };
      return await client.PUT(PATH, { ...call, body: keptOf(before) as never });
    },
  };
}
