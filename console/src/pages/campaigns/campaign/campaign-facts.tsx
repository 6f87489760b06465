import { Paper, SimpleGrid, Text } from '@mantine/core';
import { useNamed } from '#console/components/named.ts';
import { UserName } from '#console/components/record-name.tsx';
import { formatSeconds, Instant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import type { Campaign } from '../campaign.data.ts';
import { campaignTexts } from '../campaigns.texts.ts';

/** What was planned, in words. */
export function CampaignFacts({ campaign }: { readonly campaign: Campaign }) {
  const t = useTexts(campaignTexts);
  const field = useTexts(fieldTexts);
  const { language } = useLanguage();
  const { windows, zone, device_zone, retries, timeouts } = campaign;
  const target = useTargetText(campaign.target);
  const inWindows = windows.map(({ from, to }) => `${from}–${to}`).join(', ');
  const facts: [label: string, value: React.ReactNode][] = [
    [t('image'), campaign.version],
    [t('target'), target],
    [t('planned_by'), <UserName key="by" id={campaign.created_by} />],
    ...(campaign.requires_approval
      ? [[t('approved_by'), <UserName key="approved" id={campaign.approved_by} />] as [string, React.ReactNode]]
      : []),
    [t('start_at'), <Instant key="start" at={campaign.start_at} />],
    [t('started'), <Instant key="started" at={campaign.started_at} />],
    [t('ended'), <Instant key="ended" at={campaign.ended_at} />],
    [t('windows'), windows.length === 0 ? t('any_time') : `${inWindows}, ${device_zone ? t('device_clock') : zone}`],
    [
      t('rate'),
      campaign.rate_per_minute === null ? t('no_limit') : t('rate_per_minute', { count: campaign.rate_per_minute }),
    ],
    [t('retries'), t('retries_text', { max: retries.max, seconds: retries.backoff_seconds })],
    [t('timeouts'), TIMEOUTS.map((step) => t(step, { span: formatSeconds(timeouts[step], language) })).join(', ')],
    [t('on_fail'), t(`on_fail_${campaign.on_fail}`)],
    ...(campaign.continuous ? [[t('continuous'), '✓'] as [string, string]] : []),
  ];
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" component="dl" m={0}>
        {facts.map(([label, value]) => (
          <div key={label}>
            <Text size="xs" c="dimmed" component="dt">
              {label || field('details')}
            </Text>
            <Text size="sm" component="dd" m={0}>
              {value}
            </Text>
          </div>
        ))}
      </SimpleGrid>
    </Paper>
  );
}

const TIMEOUTS = ['seen_seconds', 'offered_seconds', 'downloading_seconds', 'installing_seconds'] as const;

export function useTargetText({ device_ids, group_id, device_type }: Campaign['target']): string {
  const t = useTexts(campaignTexts);
  const groups = useNamed('group', group_id === undefined ? [] : [group_id]);
  if (device_ids !== undefined) return t('listed', { count: device_ids.length });
  if (device_type !== undefined) return t('type', { type: device_type });
  if (group_id === undefined) return t('all');
  return t('group', { name: groups.get(group_id)?.name ?? String(group_id) });
}
