import {
  Autocomplete,
  Checkbox,
  Group,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { api } from '#console/api/client.ts';
import { RecordsSelect } from '#console/components/record-select.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import {
  CHANNELS,
  type ChannelName,
  CONDITIONS,
  type ConditionName,
  type RuleForm,
  SEVERITIES,
  takesLevel,
  takesRange,
  takesText,
} from './rule.form.ts';
import { RuleScope } from './rule-scope.tsx';
import { rulesTexts } from './rules.texts.ts';

/** Every field of a rule; a field that the condition has no use for is not there. */
export function RuleFields({ form, change, errors }: FieldsProps) {
  const { choices } = useApiWords();
  const t = useTexts(rulesTexts);
  const field = useTexts(fieldTexts);
  return (
    <>
      <TextInput
        label={field('name')}
        required
        maxLength={100}
        value={form.name}
        error={errors['name']}
        onChange={({ currentTarget: { value } }) => change({ name: value })}
      />
      <RuleScope form={form} change={change} errors={errors} />
      <Group grow align="flex-start">
        {form.condition !== 'offline' && <Metric form={form} change={change} errors={errors} />}
        <Select
          label={field('condition')}
          allowDeselect={false}
          value={form.condition}
          data={CONDITIONS.map((value) => ({ value, label: t(value) }))}
          error={errors['condition']}
          onChange={(condition) => change({ condition: (condition ?? 'gt') as ConditionName })}
        />
      </Group>
      <Levels form={form} change={change} errors={errors} />
      <div>
        <Text size="sm" fw={500}>
          {field('severity')}
        </Text>
        <SegmentedControl
          aria-label={field('severity')}
          value={form.severity}
          onChange={(severity) => change({ severity: severity as RuleForm['severity'] })}
          data={choices('status', SEVERITIES)}
        />
      </div>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        {(
          [
            ['for_seconds', 'forSeconds'],
            ['clear_for_seconds', 'clearForSeconds'],
            ['cooldown_seconds', 'cooldownSeconds'],
          ] as const
        ).map(([key, name]) => (
          <NumberInput
            key={key}
            label={t(key)}
            min={0}
            max={2_592_000}
            allowDecimal={false}
            miw={150}
            value={form[name]}
            error={errors[key]}
            onChange={(value) => change({ [name]: value })}
          />
        ))}
      </Group>
      <Audience form={form} change={change} errors={errors} />
      <Switch
        label={t('enabled')}
        checked={form.isEnabled}
        onChange={({ currentTarget: { checked } }) => change({ isEnabled: checked })}
      />
    </>
  );
}

/** What the chosen device sends is offered; anything may be typed. */
function Metric({ form, change, errors }: FieldsProps) {
  const field = useTexts(fieldTexts);
  const device = form.scope === 'device' ? form.device : null;
  const { data } = api.useQuery(
    'get',
    '/api/v1/devices/{device_id}/telemetry/latest',
    { params: { path: { device_id: device ?? 0 } } },
    { enabled: device !== null },
  );
  return (
    <Autocomplete
      label={field('metric')}
      required
      data={Object.keys(data?.metrics ?? {}).sort()}
      value={form.metric}
      error={errors['metric']}
      onChange={(metric) => change({ metric })}
    />
  );
}

function Levels({ form, change, errors }: FieldsProps) {
  const t = useTexts(rulesTexts);
  const field = useTexts(fieldTexts);
  const { condition } = form;
  if (takesText(condition)) {
    return (
      <TextInput
        label={field('threshold')}
        required
        value={form.text}
        error={errors['threshold']}
        onChange={({ currentTarget: { value } }) => change({ text: value })}
      />
    );
  }
  const number = (
    name: 'low' | 'high' | 'clearLow' | 'clearHigh',
    label: string,
    description?: string,
    key = 'threshold',
  ) => (
    <NumberInput
      label={label}
      {...(description === undefined ? {} : { description })}
      required={key === 'threshold'}
      value={form[name]}
      error={errors[key]}
      onChange={(value) => change({ [name]: value })}
    />
  );
  if (takesLevel(condition)) {
    return (
      <Group grow align="flex-end">
        {number('low', field('threshold'), t('threshold_hint'))}
        {number('clearLow', t('clear_threshold'), t('clear_hint'), 'clear_threshold')}
      </Group>
    );
  }
  if (!takesRange(condition)) return null;
  return (
    <Stack gap="xs">
      <Group grow align="flex-start">
        {number('low', t('low'), t('threshold_hint'))}
        {number('high', t('high'), t('threshold_hint'))}
      </Group>
      <Group grow align="flex-start">
        {number('clearLow', t('clear_low'), undefined, 'clear_threshold')}
        {number('clearHigh', t('clear_high'), undefined, 'clear_threshold')}
      </Group>
    </Stack>
  );
}

/** How people are told, and who: a USER may name itself only, and has no webhook. */
function Audience({ form, change, errors }: FieldsProps) {
  const t = useTexts(rulesTexts);
  const me = useUser();
  const isManager = isAtLeast(me.role, 'MANAGER');
  const look = { label: t('recipients'), description: t('recipients_hint'), error: errors['recipients'] };
  return (
    <>
      <Checkbox.Group
        label={t('channels')}
        value={[...form.channels]}
        error={errors['channels']}
        onChange={(channels) => change({ channels: channels as ChannelName[] })}
      >
        <Group mt={4}>
          {CHANNELS.filter((channel) => channel !== 'webhook' || isManager).map((channel) => (
            <Checkbox key={channel} value={channel} label={t(channel)} />
          ))}
        </Group>
      </Checkbox.Group>
      {isManager ? (
        <RecordsSelect
          kind="person"
          most={50}
          value={form.recipients}
          onChange={(recipients) => change({ recipients })}
          {...look}
        />
      ) : (
        <MultiSelect
          data={[{ value: String(me.id), label: me.full_name || me.email }]}
          value={form.recipients.map(String)}
          onChange={(ids) => change({ recipients: ids.map(Number) })}
          {...look}
        />
      )}
    </>
  );
}

export interface FieldsProps {
  readonly form: RuleForm;
  readonly change: (changes: Partial<RuleForm>) => void;
  /** Of the API, by field. */
  readonly errors: Readonly<Record<string, string>>;
}
