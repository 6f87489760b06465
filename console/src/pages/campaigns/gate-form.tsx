import {
  ActionIcon,
  Button,
  Fieldset,
  Group,
  Menu,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { common } from '#console/app/common.texts.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { gateTexts } from './gates.texts.ts';
import { GATE_TYPES, type GateCondition, NEW_CONDITION } from './gates.ts';

const texts = defineTexts({
  en: { add: 'Add a condition', none: 'Without a condition, the next stage begins at once.' },
  ko: { add: '조건 추가', none: '조건이 없으면 다음 단계가 바로 시작됩니다.' },
});

/** The conditions of one gate, each a small form. */
export function GateForm({ gate, onChange }: GateFormProps) {
  const t = useTexts(texts);
  const words = useTexts(common);
  const gates = useTexts(gateTexts);
  const replace = (index: number, condition: GateCondition) =>
    onChange(gate.map((each, position) => (position === index ? condition : each)));
  return (
    <Stack gap="xs">
      {gate.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('none')}
        </Text>
      )}
      {gate.map((condition, index) => (
        <Fieldset key={`${index}-${condition.type}`} legend={gates(condition.type)} p="sm">
          <Group align="flex-start" wrap="nowrap">
            <Stack gap={6} flex={1} miw={0}>
              <Text size="sm" c="dimmed">
                {gates(`${condition.type}_about`)}
              </Text>
              <Condition condition={condition} onChange={(next) => replace(index, next)} />
            </Stack>
            <ActionIcon
              variant="default"
              aria-label={`${words('delete')}: ${gates(condition.type)}`}
              onClick={() => onChange(gate.filter((_, position) => position !== index))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        </Fieldset>
      ))}
      <Menu position="bottom-start">
        <Menu.Target>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
            w="fit-content"
            disabled={gate.length >= 10}
          >
            {t('add')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {GATE_TYPES.map((type) => (
            <Menu.Item key={type} onClick={() => onChange([...gate, NEW_CONDITION[type]])}>
              {gates(type)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Stack>
  );
}

/** What a number field says; undefined where it is empty. */
const numberIn = (value: string | number): number | undefined => (value === '' ? undefined : Number(value));

function Condition({ condition, onChange }: ConditionProps) {
  const t = useTexts(gateTexts);
  const small = { size: 'xs', maw: 220 } as const;
  switch (condition.type) {
    case 'failed_share':
    case 'not_seen_share':
      return (
        <NumberInput
          {...small}
          label={t('max_percent')}
          min={0}
          max={100}
          value={Math.round(condition.max * 10_000) / 100}
          onChange={(value) => onChange({ ...condition, max: (numberIn(value) ?? 0) / 100 })}
        />
      );
    case 'min_devices':
      return (
        <NumberInput
          {...small}
          label={t('count')}
          min={1}
          allowDecimal={false}
          value={condition.count}
          onChange={(value) => onChange({ ...condition, count: numberIn(value) ?? 1 })}
        />
      );
    case 'bake_time':
      return (
        <NumberInput
          {...small}
          label={t('minutes')}
          min={1}
          max={43_200}
          allowDecimal={false}
          value={condition.seconds / 60}
          onChange={(value) => onChange({ ...condition, seconds: (numberIn(value) ?? 1) * 60 })}
        />
      );
    case 'alerts':
      return (
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs">
          <NumberInput
            {...small}
            label={t('ratio')}
            min={0}
            max={100}
            value={condition.ratio}
            onChange={(value) => onChange({ ...condition, ratio: numberIn(value) ?? 0 })}
          />
          <NumberInput
            {...small}
            label={t('floor')}
            min={0}
            max={1_000}
            value={condition.floor}
            onChange={(value) => onChange({ ...condition, floor: numberIn(value) ?? 0 })}
          />
        </SimpleGrid>
      );
    case 'telemetry':
      return <Telemetry condition={condition} onChange={onChange} />;
  }
}

type TelemetryCondition = Extract<GateCondition, { type: 'telemetry' }>;

function Telemetry({ condition, onChange }: ConditionProps & { readonly condition: TelemetryCondition }) {
  const t = useTexts(gateTexts);
  const { ratio, bound, ...rest } = condition;
  const limits = (next: { ratio?: number | undefined; bound?: number | undefined }) => {
    const { ratio: times, bound: level } = { ratio, bound, ...next };
    onChange({
      ...rest,
      ...(times === undefined ? {} : { ratio: times }),
      ...(level === undefined ? {} : { bound: level }),
    });
  };
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs">
      <TextInput
        size="xs"
        label={t('metric')}
        value={condition.metric}
        onChange={(event) => onChange({ ...condition, metric: event.currentTarget.value.trim() })}
        withAsterisk
      />
      <Select
        size="xs"
        label={t('aggregate')}
        allowDeselect={false}
        data={(['avg', 'min', 'max', 'last', 'sum_per_hour'] as const).map((value) => ({ value, label: t(value) }))}
        value={condition.aggregate}
        onChange={(value) => onChange({ ...condition, aggregate: value as TelemetryCondition['aggregate'] })}
      />
      <Select
        size="xs"
        label={t('fails')}
        allowDeselect={false}
        data={(['above', 'below'] as const).map((value) => ({ value, label: t(value) }))}
        value={condition.fails}
        onChange={(value) => onChange({ ...condition, fails: value as TelemetryCondition['fails'] })}
      />
      <NumberInput
        size="xs"
        label={t('ratio')}
        description={t('optional')}
        min={0}
        max={1_000}
        value={ratio ?? ''}
        onChange={(value) => limits({ ratio: numberIn(value) })}
      />
      <NumberInput
        size="xs"
        label={t('bound')}
        description={t('optional')}
        value={bound ?? ''}
        onChange={(value) => limits({ bound: numberIn(value) })}
      />
    </SimpleGrid>
  );
}

interface GateFormProps {
  readonly gate: readonly GateCondition[];
  readonly onChange: (gate: readonly GateCondition[]) => void;
}

interface ConditionProps {
  readonly condition: GateCondition;
  readonly onChange: (condition: GateCondition) => void;
}
