import { Group, Loader, MultiSelect, Radio, Select, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';

export type Target = components['schemas']['DeviceTarget'];

/** Which devices, as far as somebody has said it. */
export interface TargetChoice {
  readonly kind: 'device_ids' | 'group_id' | 'device_type' | 'all';
  readonly devices: readonly { readonly value: string; readonly label: string }[];
  readonly group: string | null;
  readonly type: string;
}

export const NO_TARGET: TargetChoice = { kind: 'group_id', devices: [], group: null, type: '' };

const texts = defineTexts({
  en: {
    target: 'Which devices',
    device_ids: 'Chosen ones',
    group_id: 'A group',
    device_type: 'A device type',
    all: 'All',
    devices: 'Devices',
    devices_hint: 'Search by name or device_uid',
    type: 'Device type',
    count: '{count} devices now',
    count_one: '1 device now',
    none: 'No such device',
  },
  ko: {
    target: '대상 디바이스',
    device_ids: '직접 선택',
    group_id: '그룹',
    device_type: '디바이스 종류',
    all: '전체',
    devices: '디바이스',
    devices_hint: '이름이나 device_uid로 검색',
    type: '디바이스 종류',
    count: '현재 {count}대',
    count_one: '현재 1대',
    none: '해당 디바이스 없음',
  },
});

/** As the API takes it; undefined: not enough was said yet. */
export function targetOf({ kind, devices, group, type }: TargetChoice): Target | undefined {
  if (kind === 'all') return { all: true };
  if (kind === 'group_id') return group === null ? undefined : { group_id: Number(group) };
  if (kind === 'device_type') return type.trim() === '' ? undefined : { device_type: type.trim() };
  return devices.length === 0 ? undefined : { device_ids: devices.map(({ value }) => Number(value)) };
}

/** How many devices a target names now; undefined: not known yet. @param type only devices of this type count */
export function useTargetCount(target: Target | undefined, type?: string): number | undefined {
  const isListed = target?.device_ids !== undefined;
  // A type within another type is nobody.
  const isNobody = type !== undefined && target?.device_type !== undefined && target.device_type !== type;
  const only = target?.device_type ?? type;
  const query = {
    size: 1,
    ...(target?.group_id === undefined ? {} : { group_id: [target.group_id] }),
    ...(only === undefined ? {} : { device_type: [only.replaceAll(',', '\\,')] }),
  };
  const enabled = target !== undefined && !isListed && !isNobody;
  const { data } = api.useQuery('get', '/api/v1/devices', { params: { query } }, { enabled });
  if (isNobody) return 0;
  return isListed ? target.device_ids?.length : enabled ? data?.total : undefined;
}

/** Chosen devices, a group, a type or all, with how many these are. @param type only devices of this type are offered and counted */
export function TargetPicker({ value, onChange, type, error }: TargetPickerProps) {
  const t = useTexts(texts);
  const { data: groups } = api.useQuery('get', '/api/v1/device-groups', { params: { query: { size: 100 } } });
  const target = targetOf(value);
  const count = useTargetCount(target, type);
  const change = (part: Partial<TargetChoice>) => onChange({ ...value, ...part });
  return (
    <Stack gap="sm">
      <Radio.Group
        label={t('target')}
        value={value.kind}
        onChange={(kind) => change({ kind: kind as TargetChoice['kind'] })}
        error={error}
      >
        <Group mt={6}>
          {(['group_id', 'device_ids', 'device_type', 'all'] as const).map((kind) => (
            <Radio key={kind} value={kind} label={t(kind)} />
          ))}
        </Group>
      </Radio.Group>
      {value.kind === 'group_id' && (
        <Select
          label={t('group_id')}
          data={(groups?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
          value={value.group}
          onChange={(group) => change({ group })}
          searchable
          nothingFoundMessage={t('none')}
        />
      )}
      {value.kind === 'device_type' && (
        <TypeSelect value={value.type} only={type} onChange={(next) => change({ type: next })} />
      )}
      {value.kind === 'device_ids' && (
        <DevicesSelect value={value.devices} type={type} onChange={(devices) => change({ devices })} />
      )}
      <Text size="sm" aria-live="polite" fw={600} mih={22}>
        {count !== undefined && t('count', { count })}
      </Text>
    </Stack>
  );
}

/** Types are free text; those that devices have are offered. */
function TypeSelect({ value, only, onChange }: TypeSelectProps) {
  const t = useTexts(texts);
  const types = useDeviceTypes();
  const offered = only === undefined ? types : [only];
  return (
    <Select
      label={t('type')}
      data={[...new Set([...offered, ...(value === '' ? [] : [value])])]}
      value={value === '' ? null : value}
      onChange={(next) => onChange(next ?? '')}
      searchable
      nothingFoundMessage={t('none')}
    />
  );
}

/** Of the newest 100 devices and of every image. */
function useDeviceTypes(): readonly string[] {
  const query = { size: 100, sort: '-created_at' };
  const { data: devices } = api.useQuery('get', '/api/v1/devices', { params: { query } });
  const { data: firmware } = api.useQuery('get', '/api/v1/firmware', { params: { query } });
  const all = [...(devices?.items ?? []), ...(firmware?.items ?? [])].map(({ device_type }) => device_type);
  return [...new Set(all)].sort();
}

/** Devices that are found by what is typed, several of them. */
export function DevicesSelect({ value, onChange, type, label, most = 1_000 }: DevicesSelectProps) {
  const t = useTexts(texts);
  const input = useRef<HTMLInputElement>(null);
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), 250);
  const query = {
    size: 50,
    sort: 'name',
    ...(asked === '' ? {} : { q: asked.slice(0, 100) }),
    ...(type === undefined ? {} : { device_type: [type] }),
  };
  const { data, isFetching } = api.useQuery('get', '/api/v1/devices', { params: { query } });
  const found = (data?.items ?? []).map(({ id, name, device_uid }) => ({
    value: String(id),
    label: `${name} · ${device_uid}`,
  }));
  const known = new Map([...value, ...found].map((option) => [option.value, option]));
  return (
    <MultiSelect
      label={label ?? t('devices')}
      placeholder={t('devices_hint')}
      data={[...known.values()]}
      value={value.map((option) => option.value)}
      ref={input}
      onChange={(ids) => {
        onChange(ids.flatMap((id) => known.get(id) ?? []));
        // There is no more to choose: what is below comes into sight.
        if (ids.length >= most) input.current?.blur();
      }}
      maxValues={most}
      searchable
      searchValue={search}
      onSearchChange={setSearch}
      // The API has searched; what it finds by something else than the label is shown too.
      filter={({ options }) => options}
      limit={50}
      nothingFoundMessage={isFetching ? <Loader size="xs" aria-hidden /> : t('none')}
      rightSection={isFetching ? <Loader size={14} aria-hidden /> : undefined}
    />
  );
}

interface TargetPickerProps {
  readonly value: TargetChoice;
  readonly onChange: (value: TargetChoice) => void;
  readonly type?: string | undefined;
  readonly error?: string | undefined;
}

interface TypeSelectProps {
  readonly value: string;
  readonly only: string | undefined;
  readonly onChange: (value: string) => void;
}

interface DevicesSelectProps {
  readonly value: TargetChoice['devices'];
  readonly onChange: (value: TargetChoice['devices']) => void;
  readonly type?: string | undefined;
  readonly label?: string;
  readonly most?: number;
}
