import { List, Stack, Table, Text } from '@mantine/core';
import { targetOf } from '#console/components/target-picker.tsx';
import { formatInstant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { useTargetText } from '../campaign/campaign-facts.tsx';
import { campaignTexts } from '../campaigns.texts.ts';
import { gateTexts } from '../gates.texts.ts';
import { sayCondition } from '../gates.ts';
import { newCampaignTexts } from './new-campaign.texts.ts';
import type { Plan } from './plan.ts';

/** All that was planned, to be read once more before it begins. */
export function Summary({ plan, total }: { readonly plan: Plan; readonly total: number | undefined }) {
  const t = useTexts(newCampaignTexts);
  const words = useTexts(campaignTexts);
  const gates = useTexts(gateTexts);
  const { language } = useLanguage();
  const target = useTargetText(targetOf(plan.target) ?? {});
  const windows = plan.windows.map(({ from, to }) => `${from}–${to}`).join(', ');
  const zone = plan.deviceZone ? words('device_clock') : plan.zone;
  const facts: readonly (readonly [label: string, value: string])[] = [
    [t('firmware'), plan.firmware === null ? '–' : `${plan.firmware.device_type} ${plan.firmware.version}`],
    [words('target'), total === undefined ? target : `${target}: ${t('count', { count: total })}`],
    [t('start_at'), plan.startAt === '' ? t('at_once') : formatInstant(plan.startAt, language)],
    [words('windows'), windows === '' ? words('any_time') : t('from_zone', { windows, zone })],
    [words('rate'), plan.rate === '' ? words('no_limit') : words('rate_per_minute', { count: plan.rate })],
    [words('retries'), words('retries_text', { max: plan.maxRetries, seconds: plan.backoffSeconds })],
    [t('on_fail'), t(plan.onFail)],
    ...(plan.continuous ? [[t('continuous'), '✓'] as const] : []),
    ...(plan.requiresApproval ? [[t('approval'), '✓'] as const] : []),
  ];
  return (
    <Stack>
      <Table variant="vertical" layout="fixed" withTableBorder>
        <Table.Tbody>
          {facts.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w="38%">{label}</Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <List type="ordered" spacing="xs">
        {plan.stages.map(({ key, unit, size, gate }) => (
          <List.Item key={key}>
            {unit === 'percent' ? words('percent', { percent: size }) : words('devices', { count: size })}
            <Text size="sm" c="dimmed">
              {gate.length === 0
                ? words('no_gate')
                : gate.map((condition) => sayCondition(condition, gates, language)).join('; ')}
            </Text>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
