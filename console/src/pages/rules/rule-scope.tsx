import { Select, Stack, TextInput } from '@mantine/core';
import { RecordSelect } from '#console/components/record-select.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { SCOPES, type ScopeName } from './rule.form.ts';
import type { FieldsProps } from './rule-fields.tsx';
import { rulesTexts } from './rules.texts.ts';

/** Which devices a rule is about: for a USER one that it owns. */
export function RuleScope({ form, change, errors }: FieldsProps) {
  const t = useTexts(rulesTexts);
  const { role, id } = useUser();
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
      {form.scope === 'device' && (
        <RecordSelect
          kind="device"
          label={t('device')}
          required
          only={isAtLeast(role, 'MANAGER') ? undefined : { owner_id: [id] }}
          value={form.device}
          error={flaw}
          onChange={(device) => change({ device })}
        />
      )}
      {form.scope === 'group' && (
        <RecordSelect
          kind="group"
          label={t('group')}
          required
          value={form.group}
          error={flaw}
          onChange={(group) => change({ group })}
        />
      )}
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
