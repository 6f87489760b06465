import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from './explore.data.ts';
import { MOST_DEVICES, MOST_METRICS } from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';

const FOUND = 20;

/** Devices by name or uid, as the API finds them. */
export function DevicePicker({ picked, known, onPick }: DevicePickerProps) {
  const t = useTexts(exploreTexts);
  const [q, setQ] = useState('');
  const [asked] = useDebouncedValue(q.trim(), 250);
  const query = { size: FOUND, sort: 'name', ...(asked === '' ? {} : { q: asked }) };
  const { data } = api.useQuery('get', '/api/v1/devices', { params: { query } }, { placeholderData: keepPreviousData });
  const options = new Map(picked.map((id) => [id, String(id)]));
  for (const { id, name } of [...known, ...(data?.items ?? [])]) options.set(id, name);
  return (
    <MultiSelect
      label={t('devices')}
      placeholder={picked.length === 0 ? t('devices_hint', { count: MOST_DEVICES }) : ''}
      data={[...options].map(([id, label]) => ({ value: String(id), label }))}
      value={picked.map(String)}
      onChange={(ids) => onPick(ids.map(Number))}
      maxValues={MOST_DEVICES}
      searchable
      searchValue={q}
      onSearchChange={setQ}
      // The server has searched, by more than the name.
      filter={({ options: all }) => all}
      hidePickedOptions
      clearable
      clearButtonProps={{ 'aria-label': t('clear') }}
      miw={240}
    />
  );
}

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

interface DevicePickerProps {
  readonly picked: readonly number[];
  readonly known: readonly Device[];
  readonly onPick: (ids: readonly number[]) => void;
}

interface MetricPickerProps {
  readonly names: readonly string[];
  readonly picked: readonly string[];
  readonly onPick: (metrics: string[]) => void;
}
