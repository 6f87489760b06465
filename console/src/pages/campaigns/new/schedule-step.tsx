import {
  ActionIcon,
  Button,
  Fieldset,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTexts } from '#console/i18n/texts.ts';
import { newCampaignTexts } from './new-campaign.texts.ts';
import { nextKey, type Plan } from './plan.ts';

const ZONES = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];
const STEPS = ['seen', 'offered', 'downloading', 'installing'] as const;

export function ScheduleStep({ plan, change }: ScheduleStepProps) {
  const t = useTexts(newCampaignTexts);
  return (
    <Stack>
      <TextInput
        type="datetime-local"
        label={t('start_at')}
        description={t('start_at_about')}
        maw={320}
        value={plan.startAt}
        onChange={(event) => change({ startAt: event.currentTarget.value })}
      />
      <Windows plan={plan} change={change} />
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} style={{ alignItems: 'end' }}>
        <NumberInput
          label={t('rate')}
          description={t('rate_about')}
          min={1}
          max={100_000}
          allowDecimal={false}
          value={plan.rate}
          onChange={(rate) => change({ rate: rate === '' ? '' : Number(rate) })}
        />
        <NumberInput
          label={t('retries')}
          min={0}
          max={20}
          allowDecimal={false}
          value={plan.maxRetries}
          onChange={(value) => change({ maxRetries: Number(value) })}
        />
        <NumberInput
          label={t('backoff')}
          min={1}
          max={86_400}
          allowDecimal={false}
          value={plan.backoffSeconds}
          onChange={(value) => change({ backoffSeconds: Number(value) || 1 })}
        />
      </SimpleGrid>
      <Fieldset legend={t('timeouts')}>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
          {STEPS.map((step) => (
            <NumberInput
              key={step}
              label={t(step)}
              min={1}
              allowDecimal={false}
              value={plan.timeouts[step]}
              onChange={(value) => change({ timeouts: { ...plan.timeouts, [step]: Number(value) || 1 } })}
            />
          ))}
        </SimpleGrid>
      </Fieldset>
      <Select
        label={t('on_fail')}
        maw={320}
        allowDeselect={false}
        data={(['pause', 'abort'] as const).map((value) => ({ value, label: t(value) }))}
        value={plan.onFail}
        onChange={(value) => change({ onFail: value as Plan['onFail'] })}
      />
      <Switch
        label={t('continuous')}
        checked={plan.continuous}
        onChange={(event) => change({ continuous: event.currentTarget.checked })}
      />
      <Switch
        label={t('approval')}
        checked={plan.requiresApproval}
        onChange={(event) => change({ requiresApproval: event.currentTarget.checked })}
      />
    </Stack>
  );
}

function Windows({ plan, change }: ScheduleStepProps) {
  const t = useTexts(newCampaignTexts);
  const { windows } = plan;
  const replace = (key: number, part: { from?: string; to?: string }) =>
    change({ windows: windows.map((each) => (each.key === key ? { ...each, ...part } : each)) });
  return (
    <Fieldset legend={t('windows')}>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          {t('windows_about')}
        </Text>
        {windows.map(({ key, from, to }) => (
          <Group key={key} align="flex-end" wrap="nowrap" gap="xs">
            <TextInput
              type="time"
              label={t('from')}
              value={from}
              onChange={(event) => replace(key, { from: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={t('to')}
              value={to}
              onChange={(event) => replace(key, { to: event.currentTarget.value })}
            />
            <ActionIcon
              variant="default"
              size="lg"
              aria-label={t('remove_window', { from })}
              onClick={() => change({ windows: windows.filter((each) => each.key !== key) })}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} />}
          disabled={windows.length >= 10}
          onClick={() => change({ windows: [...windows, { key: nextKey(windows), from: '22:00', to: '05:00' }] })}
        >
          {t('add_window')}
        </Button>
        {windows.length > 0 && (
          <>
            <Select
              label={t('zone')}
              maw={320}
              searchable
              allowDeselect={false}
              limit={200}
              data={ZONES}
              value={plan.zone}
              onChange={(zone) => change({ zone: zone ?? 'UTC' })}
            />
            <Switch
              label={t('device_zone')}
              checked={plan.deviceZone}
              onChange={(event) => change({ deviceZone: event.currentTarget.checked })}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}

interface ScheduleStepProps {
  readonly plan: Plan;
  readonly change: (part: Partial<Plan>) => void;
}
