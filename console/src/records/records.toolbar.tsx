import {
  ActionIcon,
  Button,
  Checkbox,
  Chip,
  CloseButton,
  Group,
  MultiSelect,
  Pill,
  Popover,
  Stack,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconColumns, IconDownload, IconFilter, IconSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { NameOf, UserName } from '#console/components/record-name.tsx';
import { RecordsSelect } from '#console/components/record-select.tsx';
import { failed } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { downloadCsv } from './records.csv.ts';
import { type ListChange, type ListState, queryOf } from './records.state.ts';
import { recordTexts } from './records.texts.ts';
import type { Filter, ListPath, Records } from './records.types.ts';
import { SavedViews } from './saved-views.tsx';

export function RecordsToolbar<Path extends ListPath>({ records, state, change }: ToolbarProps<Path>) {
  const t = useTexts(recordTexts);
  const [busy, setBusy] = useState(false);
  const exportCsv = async () => {
    setBusy(true);
    await downloadCsv(records, queryOf(state, records), state.columns).catch(failed);
    setBusy(false);
  };
  return (
    <Stack gap="xs" mb="sm">
      <Group gap="xs" justify="space-between">
        <Group gap="xs">
          {records.searchable !== false && <SearchField value={state.q} onChange={(q) => change({ q })} />}
          {(records.filters ?? []).map((filter) => (
            <FilterMenu
              key={filter.key}
              filter={filter}
              values={state.filters[filter.key] ?? []}
              onChange={(values) => change({ filters: { ...state.filters, [filter.key]: values } })}
            />
          ))}
        </Group>
        <Group gap={4}>
          <SavedViews name={records.name} />
          <ColumnMenu records={records} state={state} change={change} />
          <Tooltip label={t('csv')}>
            <ActionIcon variant="default" size="input-xs" aria-label={t('csv')} loading={busy} onClick={exportCsv}>
              <IconDownload size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <FilterChips filters={records.filters ?? []} state={state} change={change} />
    </Stack>
  );
}

function SearchField({ value, onChange }: { readonly value: string; readonly onChange: (q: string) => void }) {
  const t = useTexts(recordTexts);
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 300);
  useEffect(() => setText(value), [value]);
  return (
    <TextInput
      type="search"
      size="xs"
      w={220}
      placeholder={t('search')}
      aria-label={t('search')}
      leftSection={<IconSearch size={14} />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
    />
  );
}

function FilterMenu({ filter, values, onChange }: FilterProps) {
  const { label } = filter;
  return (
    <Popover position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconFilter size={14} />}>
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label} p="xs" miw={200} maw={340}>
        <FilterInput filter={filter} values={values} onChange={onChange} />
      </Popover.Dropdown>
    </Popover>
  );
}

/** More than these are searched. */
const MOST_CHIPS = 12;

function FilterInput({ filter, values, onChange }: FilterProps) {
  const [text, setText] = useState('');
  const { options, several = false, label, kind } = filter;
  if (kind !== undefined) {
    return (
      <RecordsSelect
        kind={kind}
        isInside
        size="xs"
        aria-label={label}
        most={20}
        value={values.map(Number).filter(Number.isInteger)}
        onChange={(ids) => onChange(ids.map(String))}
      />
    );
  }
  if (options === undefined) {
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text === '' ? [] : [text]);
        }}
      >
        <TextInput
          size="xs"
          aria-label={label}
          placeholder={label}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </form>
    );
  }
  if (options.length > MOST_CHIPS) {
    return (
      <MultiSelect
        size="xs"
        aria-label={label}
        placeholder={label}
        data={[...options]}
        value={[...values]}
        onChange={onChange}
        searchable
        maxValues={50}
        comboboxProps={{ withinPortal: false }}
      />
    );
  }
  return (
    <Chip.Group
      multiple
      value={[...values]}
      onChange={(next) => onChange(several ? next : next.filter((each) => !values.includes(each)))}
    >
      <Stack gap={6}>
        {options.map((option) => (
          <Chip key={option.value} value={option.value} size="xs" variant="outline">
            {option.label}
          </Chip>
        ))}
      </Stack>
    </Chip.Group>
  );
}

/** What is filtered by, each with its way out. */
function FilterChips({ filters, state, change }: ChipsProps) {
  const t = useTexts(recordTexts);
  const set = filters.flatMap((filter) => (state.filters[filter.key] ?? []).map((value) => ({ filter, value })));
  if (set.length === 0) return null;
  const without = (key: string, value: string) =>
    change({ filters: { ...state.filters, [key]: (state.filters[key] ?? []).filter((each) => each !== value) } });
  return (
    <Group gap={6}>
      {set.map(({ filter, value }) => (
        <Pill
          key={`${filter.key}=${value}`}
          withRemoveButton
          removeButtonProps={{
            'aria-label': t('clear_filter', { name: filter.label }),
            tabIndex: 0,
            'aria-hidden': false,
          }}
          onRemove={() => without(filter.key, value)}
        >
          {filter.label}: <FilterValue filter={filter} value={value} />
        </Pill>
      ))}
      <CloseButton size="sm" aria-label={t('clear')} onClick={() => change({ q: '', filters: {} })} />
    </Group>
  );
}

function FilterValue({ filter: { kind, options }, value }: { readonly filter: Filter; readonly value: string }) {
  if (kind === undefined) return options?.find((option) => option.value === value)?.label ?? value;
  const id = Number(value);
  return kind === 'person' ? <UserName id={id} /> : <NameOf kind={kind} id={id} />;
}

function ColumnMenu<Path extends ListPath>({ records, state, change }: ToolbarProps<Path>) {
  const t = useTexts(recordTexts);
  return (
    <Popover position="bottom-end" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <ActionIcon variant="default" size="input-xs" aria-label={t('columns')} title={t('columns')}>
          <IconColumns size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('columns')} p="xs">
        <Checkbox.Group value={[...state.columns]} onChange={(columns) => change({ columns, page: state.page })}>
          <Stack gap={8}>
            {records.columns.map(({ key, label }, index) => (
              <Checkbox key={key} value={key} label={label} size="xs" disabled={index === 0} />
            ))}
          </Stack>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  );
}

interface ToolbarProps<Path extends ListPath> {
  readonly records: Records<Path>;
  readonly state: ListState;
  readonly change: (change: ListChange) => void;
}

interface FilterProps {
  readonly filter: Filter;
  readonly values: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
}

interface ChipsProps {
  readonly filters: readonly Filter[];
  readonly state: ListState;
  readonly change: (change: ListChange) => void;
}
