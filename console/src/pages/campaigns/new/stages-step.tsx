import { ActionIcon, Button, Group, NumberInput, Paper, Select, Stack, Text, Title } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTexts } from '#console/i18n/texts.ts';
import { GateForm } from '../gate-form.tsx';
import { NEW_CONDITION } from '../gates.ts';
import { newCampaignTexts } from './new-campaign.texts.ts';
import { nextKey, type Plan, type StagePlan } from './plan.ts';

/** Stages in order, each with the gate that leads to the next one. */
export function StagesStep({ plan, change, total }: StagesStepProps) {
  const t = useTexts(newCampaignTexts);
  const { stages } = plan;
  const replace = (stage: StagePlan) =>
    change({ stages: stages.map((each) => (each.key === stage.key ? stage : each)) });
  const add = () => {
    const gate = [NEW_CONDITION.failed_share];
    const last = stages.at(-1);
    const size = last?.unit === 'percent' ? 100 : (last?.size ?? 50) * 2;
    change({ stages: [...stages, { key: nextKey(stages), unit: last?.unit ?? 'percent', size, gate }] });
  };
  return (
    <Stack>
      <Text c="dimmed" size="sm">
        {t('stages_about')}
      </Text>
      {stages.map((stage, index) => (
        <Paper key={stage.key} withBorder p="md" component="section" aria-label={t('stage', { number: index + 1 })}>
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h5">
              {t('stage', { number: index + 1 })}
            </Title>
            {stages.length > 1 && (
              <ActionIcon
                variant="default"
                aria-label={t('remove_stage', { number: index + 1 })}
                onClick={() => change({ stages: stages.filter(({ key }) => key !== stage.key) })}
              >
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </Group>
          <Group align="flex-end" mb="sm">
            <NumberInput
              label={t('size')}
              w={110}
              min={stage.unit === 'percent' ? 0.01 : 1}
              {...(stage.unit === 'percent' ? { max: 100 } : {})}
              allowDecimal={stage.unit === 'percent'}
              value={stage.size}
              onChange={(size) => replace({ ...stage, size: Number(size) || 1 })}
            />
            <Select
              label={t('unit')}
              w={170}
              allowDeselect={false}
              data={(['percent', 'devices'] as const).map((value) => ({ value, label: t(value) }))}
              value={stage.unit}
              onChange={(unit) => replace({ ...stage, unit: unit as StagePlan['unit'] })}
            />
            {total !== undefined && stage.unit === 'percent' && (
              <Text size="sm" c="dimmed" pb={8}>
                {t('about', { count: Math.ceil((total * stage.size) / 100) })}
              </Text>
            )}
          </Group>
          <Text size="sm" fw={600} mb={6}>
            {t('gate')}
          </Text>
          <GateForm gate={stage.gate} onChange={(gate) => replace({ ...stage, gate })} />
        </Paper>
      ))}
      <Button
        variant="default"
        leftSection={<IconPlus size={16} />}
        onClick={add}
        disabled={stages.length >= 20}
        w="fit-content"
      >
        {t('add_stage')}
      </Button>
    </Stack>
  );
}

interface StagesStepProps {
  readonly plan: Plan;
  readonly change: (part: Partial<Plan>) => void;
  /** Devices that there are now; undefined: not known yet. */
  readonly total: number | undefined;
}
