import { Autocomplete, JsonInput, NumberInput, Select, SimpleGrid } from '@mantine/core';
import { useState } from 'react';
import type { components } from '#console/api/schema.d.ts';
import { objectOf } from '#console/components/json-object.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { deviceCommandsTexts } from './commands.texts.ts';

type Deliver = NonNullable<components['schemas']['NewCommand']['deliver']>;

const DELIVERIES: readonly Deliver[] = ['queue', 'now', 'latest_only'];
const HOUR_SECONDS = 3_600;

/** What a command is, whoever gets it. `body` is undefined while it is not one yet. */
export function useCommandForm() {
  const [command, setCommand] = useState('');
  const [params, setParams] = useState('');
  const [deliver, setDeliver] = useState<Deliver>('queue');
  const [ttl, setTtl] = useState<number | string>(HOUR_SECONDS);
  const given = objectOf(params);
  const body =
    given === undefined ? undefined : { command, params: given, deliver, ttl_seconds: Number(ttl) || HOUR_SECONDS };
  return {
    ...{ command, setCommand, params, setParams, deliver, setDeliver, ttl, setTtl },
    body,
    isReady: command.trim() !== '' && body !== undefined,
  };
}

/** Its inputs, with what the API says about each. */
export function CommandFields({ form, known, flaws, onChoose }: CommandFieldsProps) {
  const t = useTexts(deviceCommandsTexts);
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 3 }} mb="sm">
        <Autocomplete
          label={t('name')}
          placeholder={t('name_hint')}
          data={[...known]}
          value={form.command}
          onChange={form.setCommand}
          {...(onChoose === undefined ? {} : { onOptionSubmit: onChoose })}
          error={flaws['command']}
          withAsterisk
        />
        <Select
          label={t('deliver')}
          data={DELIVERIES.map((value) => ({ value, label: t(`deliver_${value}`) }))}
          value={form.deliver}
          allowDeselect={false}
          onChange={(next) => form.setDeliver((next ?? 'queue') as Deliver)}
          error={flaws['deliver']}
        />
        <NumberInput
          label={t('ttl')}
          value={form.ttl}
          onChange={form.setTtl}
          min={1}
          max={604_800}
          error={flaws['ttl_seconds']}
        />
      </SimpleGrid>
      <JsonInput
        label={t('params')}
        placeholder='{"speed": 3}'
        value={form.params}
        onChange={form.setParams}
        autosize
        minRows={2}
        maxRows={12}
        error={form.body === undefined ? t('not_json') : flaws['params']}
      />
    </>
  );
}

interface CommandFieldsProps {
  readonly form: ReturnType<typeof useCommandForm>;
  /** Names that were sent before. */
  readonly known: Iterable<string>;
  readonly flaws: Readonly<Record<string, string>>;
  /** Told when one of them is chosen. */
  readonly onChoose?: (name: string) => void;
}
