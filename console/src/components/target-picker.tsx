import { Group, Radio, Select, Stack, Text } from '@mantine/core';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { RecordSelect, RecordsSelect } from './record-select.tsx';

export type Target = components['schemas']['DeviceTarget'];

/** Which devices, as far as somebody has said it. */
export interface TargetChoice {
  readonly kind: 'device_ids' | 'group_id' | 'device_type' | 'all';
  readonly devices: readonly number[];
  readonly group: number | null;
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
    type: '디바이스 종류',
    count: '현재 {count}대',
    count_one: '현재 1대',
    none: '해당 디바이스 없음',
  },
});

/** As the API takes it; undefined: not enough was said yet. */
export function targetOf({ kind, devices, group, type }: TargetChoice): Target | undefined {
  if (kind === 'all') return { all: true };
  if (kind === 'group_id') return group === null ? undefined : { group_id: group };
  if (kind === 'device_type') return type.trim() === '' ? undefined : { device_type: type.trim() };
  return devices.length === 0 ? undefined : { device_ids: [...devices] };
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
        <RecordSelect kind="group" label={t('group_id')} value={value.group} onChange={(group) => change({ group })} />
      )}
      {value.kind === 'device_type' && (
        <TypeSelect value={value.type} only={type} onChange={(next) => change({ type: next })} />
      )}
      {value.kind === 'device_ids' && (
        <RecordsSelect
          kind="device"
          label={t('devices')}
          only={type === undefined ? undefined : { device_type: [type] }}
          value={value.devices}
          onChange={(devices) => change({ devices })}
        />
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
