import { MultiSelect } from '@mantine/core';
import { useTexts } from '#console/i18n/texts.ts';
import { MOST_METRICS } from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';

export function MetricPicker({ names, picked, onPick }: MetricPickerProps) {
  const t = useTexts(exploreTexts);
  return (
    <MultiSelect
      label={t('metrics')}
      placeholder={picked.length === 0 ? t('metrics_hint', { count: MOST_METRICS }) : ''}
      data={[...new Set([...names, ...picked])]}
      value={[...picked]}
      onChange={onPick}
      maxValues={MOST_METRICS}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('clear') }}
      miw={240}
    />
  );
}

interface MetricPickerProps {
  readonly names: readonly string[];
  readonly picked: readonly string[];
  readonly onPick: (metrics: string[]) => void;
}
