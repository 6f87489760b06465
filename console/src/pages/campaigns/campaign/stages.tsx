import { Badge, Group, List, Paper, Stack, Text, Timeline, Title } from '@mantine/core';
import { IconCheck, IconClock, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Campaign, Stage } from '../campaign.data.ts';
import { campaignTexts } from '../campaigns.texts.ts';
import { gateTexts } from '../gates.texts.ts';
import { figuresOf, sayCondition, type Verdict } from '../gates.ts';

const RESULT = {
  pass: { color: 'teal.9', Icon: IconCheck },
  wait: { color: 'gray.7', Icon: IconClock },
  fail: { color: 'red.9', Icon: IconX },
} as const;

/** Every stage with its gate; of the present one, what each condition says. */
export function Stages({ campaign }: { readonly campaign: Campaign }) {
  const t = useTexts(campaignTexts);
  const { stages } = campaign;
  const isOver = campaign.status === 'COMPLETED';
  const isBegun = campaign.started_at !== null;
  const present = isOver ? stages.length : isBegun ? campaign.stage : -1;
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="md">
        {t('stages')}
      </Title>
      <Timeline active={present} bulletSize={24} lineWidth={2}>
        {stages.map((stage, index) => (
          <Timeline.Item
            key={index}
            bullet={
              index < present ? <IconCheck size={14} /> : index === present ? <IconPlayerPlay size={14} /> : undefined
            }
            title={
              <Group gap="xs">
                {t('stage')} {index + 1}
                <Badge color={index === present ? 'indigo.8' : index < present ? 'teal.9' : 'gray.7'} tt="none">
                  {t(index < present ? 'stage_done' : index === present ? 'stage_now' : 'stage_later')}
                </Badge>
              </Group>
            }
          >
            <Stack gap={6} mt={4}>
              <Text size="sm">{sizeText(stage, t)}</Text>
              <Gate stage={stage} verdicts={index === present ? (campaign.gate as readonly Verdict[]) : []} />
            </Stack>
          </Timeline.Item>
        ))}
      </Timeline>
    </Paper>
  );
}

function sizeText(
  { percent, devices }: Stage,
  t: ReturnType<typeof useTexts<keyof (typeof campaignTexts)['en']>>,
): string {
  return devices === undefined ? t('percent', { percent: percent ?? 100 }) : t('devices', { count: devices });
}

function Gate({ stage, verdicts }: { readonly stage: Stage; readonly verdicts: readonly Verdict[] }) {
  const t = useTexts(campaignTexts);
  const gates = useTexts(gateTexts);
  const { language } = useLanguage();
  if (stage.gate.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('no_gate')}
      </Text>
    );
  }
  return (
    <List listStyleType="none" size="sm" spacing={6}>
      {stage.gate.map((condition, index) => {
        const verdict = verdicts[index];
        const result = verdict?.type === condition.type ? RESULT[verdict.result] : undefined;
        return (
          <List.Item key={index}>
            <Group gap="xs">
              {result !== undefined && verdict !== undefined && (
                <Badge color={result.color} tt="none" leftSection={<result.Icon size={12} aria-hidden />}>
                  {gates(verdict.result)}
                </Badge>
              )}
              <Text size="sm" {...(verdict === undefined ? { c: 'dimmed' } : {})}>
                {sayCondition(condition, gates, language)}
              </Text>
            </Group>
            {verdict !== undefined && (
              <Text size="xs" c="dimmed" aria-live="polite">
                {figuresOf(verdict, gates, language)
                  .map(([label, value]) => `${label} ${value}`)
                  .join(' · ')}
              </Text>
            )}
          </List.Item>
        );
      })}
    </List>
  );
}
