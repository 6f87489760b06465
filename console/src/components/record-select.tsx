import { type ComboboxItem, Loader, MultiSelect, Select, type SelectProps, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { type Kind, type Named, type Only, useFound, useNamed } from './named.ts';

const texts = defineTexts({
  en: {
    person: 'Search by name or e-mail',
    device: 'Search by name or device_uid',
    group: 'Search by name',
    none: 'Nothing found',
    clear: 'Clear',
  },
  ko: {
    person: '이름이나 이메일로 검색',
    device: '이름이나 device_uid로 검색',
    group: '이름으로 검색',
    none: '찾은 것이 없습니다',
    clear: '지우기',
  },
});

interface Look
  extends Pick<SelectProps, 'label' | 'description' | 'error' | 'size' | 'required' | 'withAsterisk' | 'aria-label'> {
  readonly placeholder?: string | undefined;
  readonly 'data-autofocus'?: boolean;
  /** Which records are offered: all of their kind, or those that these query parameters name. */
  readonly only?: Only | undefined;
  /** It is within something that closes when one clicks beside it. */
  readonly isInside?: boolean;
}

/** What is offered while somebody types, the chosen ones and what they are called. The API searches, by more than the name. */
function useOptions(kind: Kind, chosen: readonly number[], { only, isInside, placeholder, ...look }: Look) {
  const t = useTexts(texts);
  const [q, setQ] = useState('');
  const names = useNamed(kind, chosen);
  // What is shown of the chosen one is no search.
  const isShown = chosen.length === 1 && q === names.get(chosen[0] ?? 0)?.name;
  const [asked] = useDebouncedValue(isShown ? '' : q.trim(), 200);
  const { data = [], isFetching } = useFound(kind, asked, only);
  const known = new Map<number, Named>([...data, ...names.values()].map((each) => [each.id, each]));
  for (const id of chosen) if (!known.has(id)) known.set(id, { id, name: String(id), detail: '' });
  return {
    known,
    input: {
      ...look,
      placeholder: chosen.length > 0 ? undefined : (placeholder ?? t(kind)),
      data: [...known.values()].map(({ id, name }) => ({ value: String(id), label: name })),
      searchable: true,
      searchValue: q,
      onSearchChange: setQ,
      filter: ({ options }: { options: unknown[] }) => options,
      renderOption: ({ option }: { option: ComboboxItem }) => <Choice of={known.get(Number(option.value))} />,
      nothingFoundMessage: isFetching ? <Loader size="xs" aria-hidden /> : t('none'),
      clearButtonProps: { 'aria-label': t('clear') },
      maxDropdownHeight: 260,
      comboboxProps: { withinPortal: isInside !== true },
    },
  };
}

function Choice({ of }: { readonly of: Named | undefined }) {
  if (of === undefined) return null;
  return (
    <div style={{ minWidth: 0 }}>
      <Text size="sm" data-clamp data-text>
        {of.name}
      </Text>
      {of.detail !== '' && (
        <Text size="xs" c="dimmed" lineClamp={1}>
          {of.detail}
        </Text>
      )}
    </div>
  );
}

/** One person, device or group, found by what is typed. */
export function RecordSelect({ kind, value, onChange, clearable = true, ...look }: RecordSelectProps) {
  const { input, known } = useOptions(kind, value === null ? [] : [value], look);
  return (
    <Select
      {...(input as object)}
      value={value === null ? null : String(value)}
      clearable={clearable}
      allowDeselect={clearable}
      onChange={(id) => onChange(id === null ? null : Number(id), known.get(Number(id)))}
    />
  );
}

/** Several of them. */
export function RecordsSelect({ kind, value, onChange, most = 1_000, ...look }: RecordsSelectProps) {
  const { input } = useOptions(kind, value, look);
  return (
    <MultiSelect
      {...(input as object)}
      value={value.map(String)}
      maxValues={most}
      clearable
      hidePickedOptions
      onChange={(ids) => onChange(ids.map(Number))}
    />
  );
}

interface RecordSelectProps extends Look {
  readonly kind: Kind;
  readonly value: number | null;
  readonly onChange: (id: number | null, named: Named | undefined) => void;
  /** Default: true. */
  readonly clearable?: boolean;
}

interface RecordsSelectProps extends Look {
  readonly kind: Kind;
  readonly value: readonly number[];
  readonly onChange: (ids: readonly number[]) => void;
  readonly most?: number;
}
