import {
  ActionIcon,
  Autocomplete,
  Button,
  Drawer,
  Fieldset,
  Group,
  JsonInput,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { api } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { objectOf } from '#console/components/json-object.ts';
import { RecordSelect } from '#console/components/record-select.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { COLUMNS, type Options, type Place, type Source, type Widget } from './dashboard.data.ts';
import { dashboardTexts } from './dashboards.texts.ts';
import { useWidgetName } from './widget.tsx';

const RANGES = [15, 60, 360, 1_440, 10_080] as const;
const MOST_LINES = 12;

/** What one widget shows, and where; every change is seen at once. */
export function WidgetForm({ widget, place, onChange, onPlace, onClose }: WidgetFormProps) {
  const t = useTexts(dashboardTexts);
  const words = useTexts(common);
  const nameOf = useWidgetName();
  return (
    <Drawer
      opened={widget !== undefined}
      onClose={onClose}
      position="right"
      title={widget === undefined ? '' : t('configure', { name: nameOf(widget) })}
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      {widget !== undefined && (
        <Stack>
          <TextInput
            label={t('widget_title')}
            maxLength={100}
            value={widget.title ?? ''}
            onChange={({ currentTarget: { value } }) => onChange({ ...widget, title: value === '' ? null : value })}
          />
          <OptionFields
            widget={widget}
            change={(part) => onChange({ ...widget, options: { ...widget.options, ...part } })}
          />
          {place !== undefined && <PlaceFields place={place} onPlace={onPlace} />}
          <Button onClick={onClose}>{words('close')}</Button>
        </Stack>
      )}
    </Drawer>
  );
}

interface FieldsProps {
  readonly widget: Widget;
  readonly change: (part: Partial<Options>) => void;
}

function OptionFields({ widget, change }: FieldsProps) {
  const t = useTexts(dashboardTexts);
  const { type, options } = widget;
  switch (type) {
    case 'chart':
      return (
        <>
          <Sources sources={options.sources} onChange={(sources) => change({ sources })} most={MOST_LINES} />
          <Select
            label={t('minutes')}
            allowDeselect={false}
            data={RANGES.map((minutes) => ({ value: String(minutes), label: t(`m${minutes}`) }))}
            value={String(options.minutes)}
            onChange={(minutes) => change({ minutes: Number(minutes) })}
          />
          <Unit options={options} change={change} />
        </>
      );
    case 'value':
    case 'gauge':
      return (
        <>
          <Sources sources={options.sources} onChange={(sources) => change({ sources })} most={1} />
          <Unit options={options} change={change} />
          {type === 'gauge' && <Levels options={options} change={change} />}
        </>
      );
    case 'command':
      return (
        <>
          <Sources sources={options.sources} onChange={(sources) => change({ sources })} most={1} withoutMetric />
          <TextInput
            label={t('command_name')}
            value={options.command}
            onChange={(event) => change({ command: event.currentTarget.value })}
          />
          <JsonInput
            label={t('params')}
            autosize
            minRows={2}
            value={options.params}
            onChange={(params) => change({ params })}
            error={objectOf(options.params) === undefined && t('not_json')}
          />
        </>
      );
    case 'text':
      return (
        <Textarea
          label={t('body')}
          autosize
          minRows={4}
          maxLength={10_000}
          value={options.text}
          onChange={(event) => change({ text: event.currentTarget.value })}
        />
      );
    case 'devices':
    case 'map':
      return (
        <RecordSelect
          kind="group"
          label={t('group')}
          placeholder={t('all_groups')}
          value={options.group_id}
          onChange={(group_id) => change({ group_id })}
        />
      );
    default:
      return null;
  }
}

interface PartProps {
  readonly options: Options;
  readonly change: (part: Partial<Options>) => void;
}

function Unit({ options, change }: PartProps) {
  const t = useTexts(dashboardTexts);
  return (
    <TextInput
      label={t('unit')}
      maxLength={16}
      value={options.unit}
      onChange={(event) => change({ unit: event.currentTarget.value })}
    />
  );
}

function Levels({ options, change }: PartProps) {
  const t = useTexts(dashboardTexts);
  return (
    <SimpleGrid cols={2}>
      {(['min', 'max'] as const).map((key) => (
        <NumberInput
          key={key}
          label={t(key)}
          value={options[key]}
          onChange={(value) => change({ [key]: Number(value) })}
        />
      ))}
      {(['warning', 'critical'] as const).map((key) => (
        <NumberInput
          key={key}
          label={t(key)}
          value={options[key] ?? ''}
          onChange={(value) => change({ [key]: value === '' ? null : Number(value) })}
        />
      ))}
    </SimpleGrid>
  );
}

/** Devices and their metrics: one, or the lines of a chart. */
function Sources({ sources, onChange, most, withoutMetric = false }: SourcesProps) {
  const t = useTexts(dashboardTexts);
  const shown: readonly (Source | undefined)[] = sources.length === 0 ? [undefined] : sources;
  const replace = (index: number, source: Source | undefined) =>
    onChange(
      source === undefined
        ? sources.filter((_, at) => at !== index)
        : [...sources.slice(0, index), source, ...sources.slice(index + 1)],
    );
  const last = sources.at(-1);
  return (
    <Stack gap="xs">
      {shown.map((source, index) => (
        <Group key={`${index}-${shown.length}`} align="flex-end" gap="xs" wrap="nowrap">
          <Stack gap={4} flex={1} miw={0}>
            <RecordSelect
              kind="device"
              label={t('device')}
              value={source?.device_id ?? null}
              onChange={(id, named) =>
                replace(
                  index,
                  id === null
                    ? undefined
                    : { device_id: id, device_name: named?.name ?? String(id), metric: source?.metric ?? '' },
                )
              }
            />
            {source !== undefined && !withoutMetric && (
              <MetricSelect source={source} onChange={(metric) => replace(index, { ...source, metric })} />
            )}
          </Stack>
          {sources.length > 1 && (
            <ActionIcon
              variant="default"
              size="lg"
              aria-label={t('remove_source', { number: index + 1 })}
              onClick={() => replace(index, undefined)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          )}
        </Group>
      ))}
      {most > 1 && last !== undefined && sources.length < most && (
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...sources, { ...last, metric: '' }])}
        >
          {t('add_source')}
        </Button>
      )}
    </Stack>
  );
}

function MetricSelect({ source, onChange }: { readonly source: Source; readonly onChange: (metric: string) => void }) {
  const t = useTexts(dashboardTexts);
  const input = { params: { path: { device_id: source.device_id } } };
  const { data } = api.useQuery('get', '/api/v1/devices/{device_id}/telemetry/latest', input);
  return (
    <Autocomplete
      label={t('metric')}
      data={Object.keys(data?.metrics ?? {}).sort()}
      value={source.metric}
      onChange={onChange}
      maxLength={64}
    />
  );
}

/** Where it stands, for those who do not drag. */
function PlaceFields({ place, onPlace }: { readonly place: Place; readonly onPlace: (place: Place) => void }) {
  const t = useTexts(dashboardTexts);
  const fields = [
    { key: 'x', label: t('column'), min: 0, max: COLUMNS - 1 },
    { key: 'y', label: t('row'), min: 0, max: 1_000 },
    { key: 'w', label: t('width'), min: 1, max: COLUMNS },
    { key: 'h', label: t('height'), min: 1, max: 40 },
  ] as const;
  return (
    <Fieldset legend={t('place')}>
      <SimpleGrid cols={2}>
        {fields.map(({ key, label, min, max }) => (
          <NumberInput
            key={key}
            label={label}
            min={min}
            max={max}
            allowDecimal={false}
            value={place[key]}
            onChange={(value) => onPlace({ ...place, [key]: Math.min(max, Math.max(min, Number(value))) })}
          />
        ))}
      </SimpleGrid>
    </Fieldset>
  );
}

interface SourcesProps {
  readonly sources: readonly Source[];
  readonly onChange: (sources: readonly Source[]) => void;
  readonly most: number;
  readonly withoutMetric?: boolean;
}

interface WidgetFormProps {
  /** Undefined: closed. */
  readonly widget: Widget | undefined;
  readonly place: Place | undefined;
  readonly onChange: (widget: Widget) => void;
  readonly onPlace: (place: Place) => void;
  readonly onClose: () => void;
}
