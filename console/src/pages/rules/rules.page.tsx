import { Button, Switch } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { useNamed } from '#console/components/named.ts';
import { NameOf } from '#console/components/record-name.tsx';
import { useAct } from '#console/components/undo.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { changeRecord } from '#console/records/change-record.ts';
import { instantColumn, statusColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';
import { CONDITIONS, type ConditionName, SEVERITIES } from './rule.form.ts';
import { conditionText, type Rule } from './rule.levels.ts';
import { rulesTexts } from './rules.texts.ts';

const PATH = '/api/v1/monitoring/alert-rules/{rule_id}';

const change = ({ id }: Rule, is_enabled: boolean) =>
  changeRecord(PATH, { ids: { rule_id: id }, changes: { is_enabled } });

function GroupScope({ id }: { readonly id: number }) {
  const t = useTexts(rulesTexts);
  return t('scope_group', { name: useNamed('group', [id]).get(id)?.name ?? String(id) });
}

/** Every rule that one may see. */
export function RulesPage() {
  const { choices } = useApiWords();
  const t = useTexts(rulesTexts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const act = useAct();
  const toggle = (rule: Rule, isEnabled: boolean) =>
    act(t(isEnabled ? 'turned_on' : 'turned_off', { name: rule.name }), () => change(rule, isEnabled));
  const scopeText = ({ scope }: Rule) => {
    if (scope.device_id !== undefined) return <NameOf kind="device" id={scope.device_id} />;
    if (scope.device_type !== undefined) return t('scope_type', { name: scope.device_type });
    return scope.group_id === undefined ? t('everything') : <GroupScope id={scope.group_id} />;
  };
  const add = (
    <Button component={Link} to="/rules/new" leftSection={<IconPlus size={16} />}>
      {t('new')}
    </Button>
  );
  const records: Records<'/api/v1/monitoring/alert-rules'> = {
    name: 'alert-rules',
    path: '/api/v1/monitoring/alert-rules',
    title: t('title'),
    text: t('text'),
    sort: 'name',
    keyOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    hrefOf: ({ id }) => `/rules/${id}`,
    columns: [
      { key: 'name', label: field('name'), sortable: true },
      {
        key: 'condition',
        label: field('condition'),
        render: (rule) => conditionText(rule, (name) => t(name as ConditionName)),
      },
      statusColumn('severity', field('severity'), {}),
      { key: 'scope', label: t('scope'), render: scopeText },
      {
        key: 'is_enabled',
        label: t('enabled'),
        render: (rule) => (
          <Switch
            size="sm"
            aria-label={t('toggle', { name: rule.name })}
            checked={rule.is_enabled}
            onChange={({ currentTarget: { checked } }) => void toggle(rule, checked)}
          />
        ),
      },
      instantColumn('updated_at', field('updated'), { ago: true, sortable: false }),
      instantColumn('created_at', field('created'), { optional: true, sortable: false }),
    ],
    filters: [
      {
        key: 'severity',
        label: field('severity'),
        several: true,
        options: choices('status', SEVERITIES),
      },
      {
        key: 'condition',
        label: field('condition'),
        several: true,
        options: CONDITIONS.map((value) => ({ value, label: t(value) })),
      },
      {
        key: 'is_enabled',
        label: t('enabled'),
        options: [
          { value: 'true', label: words('yes') },
          { value: 'false', label: words('no') },
        ],
      },
      { key: 'device_id', label: field('device'), kind: 'device' },
    ],
    bulk: [
      { key: 'enable', label: t('enable'), least: 'USER', run: (rule) => change(rule, true) },
      { key: 'disable', label: t('disable'), least: 'USER', run: (rule) => change(rule, false) },
      {
        key: 'delete',
        label: words('delete'),
        color: 'red',
        least: 'USER',
        run: ({ id }) => client.DELETE(PATH, { params: { path: { rule_id: id } } }),
      },
    ],
    actions: add,
    empty: { title: t('empty'), text: t('empty_text'), action: add },
  };
  return <RecordsPage records={records} />;
}
