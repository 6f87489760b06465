import { Select, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { SCOPES, type ScopeName } from './rule.form.ts';
import type { FieldsProps } from './rule-fields.tsx';
import { rulesTexts } from './rules.texts.ts';

/** Which devices a rule is about: for a USER one that it owns. */
export function RuleScope({ form, change, errors }: FieldsProps) {
  const t = useTexts(rulesTexts);
  const { role } = useUser();
  const flaw = errors['scope'] ?? errors['scope.device_id'] ?? errors['scope.group_id'] ?? errors['scope.device_type'];
  return (
    <Stack gap="xs">
      {isAtLeast(role, 'MANAGER') && (
        <Select
          label={t('scope')}
          allowDeselect={false}
          value={form.scope}
          data={SCOPES.map((value) => ({ value, label: t(value) }))}
          onChange={(scope) => change({ scope: (scope ?? 'device') as ScopeName })}
        />
      )}
      {form.scope === 'device' && <OneDevice form={form} change={change} flaw={flaw} />}
      {form.scope === 'group' && <OneGroup form={form} change={change} flaw={flaw} />}
      {form.scope === 'type' && (
        <TextInput
          label={t('type')}
          required
          value={form.type}
          error={flaw}
          onChange={({ currentTarget: { value } }) => change({ type: value })}
        />
      )}
    </Stack>
  );
}

type OneProps = Pick<FieldsProps, 'form' | 'change'> & { readonly flaw: string | undefined };

function OneDevice({ form, change, flaw }: OneProps) {
  const t = useTexts(rulesTexts);
  const me = useUser();
  const [q, setQ] = useState('');
  const { data: chosen } = api.useQuery(
    'get',
    '/api/v1/devices/{device_id}',
    { params: { path: { device_id: form.device ?? 0 } } },
    { enabled: form.device !== null },
  );
  // What is shown of the chosen device is no search.
  const [asked] = useDebouncedValue(q === chosen?.name ? '' : q.trim(), 250);
  const query = {
    ...{ size: 20, sort: 'name' },
    ...(asked === '' ? {} : { q: asked }),
    ...(isAtLeast(me.role, 'MANAGER') ? {} : { owner_id: [me.id] }),
  };
  const { data } = api.useQuery('get', '/api/v1/devices', { params: { query } }, { placeholderData: keepPreviousData });
  const options = new Map((data?.items ?? []).map(({ id, name }) => [id, name]));
  if (form.device !== null) options.set(form.device, chosen?.name ?? String(form.device));
  return (
    <Select
      label={t('device')}
      required
      searchable
      value={form.device === null ? null : String(form.device)}
      data={[...options].map(([id, label]) => ({ value: String(id), label }))}
      // The server has searched, by more than the name.
      filter={({ options: all }) => all}
      searchValue={q}
      onSearchChange={setQ}
      error={flaw}
      onChange={(id) => change({ device: id === null ? null : Number(id) })}
    />
  );
}

function OneGroup({ form, change, flaw }: OneProps) {
  const t = useTexts(rulesTexts);
  const { data } = api.useQuery('get', '/api/v1/device-groups', { params: { query: { size: 100, sort: 'name' } } });
  return (
    <Select
      label={t('group')}
      required
      searchable
      value={form.group === null ? null : String(form.group)}
      data={(data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
      error={flaw}
      onChange={(id) => change({ group: id === null ? null : Number(id) })}
    />
  );
}
