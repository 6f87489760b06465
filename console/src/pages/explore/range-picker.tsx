import { Button, Popover, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '#console/i18n/texts.ts';
import { type Choice, PRESETS, type Preset, rangeOf } from './explore.state.ts';
import { exploreTexts } from './explore.texts.ts';

const TEN_YEARS_MS = 3_650 * 86_400_000;

/** As an input of the browser takes it: the viewer's clock, without a zone. */
const localOf = (at: number) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** Presets that end now, or two instants. */
export function RangePicker({ choice, change }: RangePickerProps) {
  const t = useTexts(exploreTexts);
  const [opened, setOpened] = useState(false);
  const [custom, setCustom] = useState({ start: '', end: '' });
  const isCustom = typeof choice.base !== 'string';
  const from = new Date(custom.start).getTime();
  const to = new Date(custom.end).getTime();
  const isValid = from > 0 && to > from && to - from < TEN_YEARS_MS;
  const open = () => {
    const shown = rangeOf(choice, Date.now());
    setCustom({ start: localOf(shown.from), end: localOf(shown.to) });
    setOpened((before) => !before);
  };
  return (
    <>
      <SegmentedControl
        aria-label={t('range')}
        size="xs"
        value={typeof choice.base === 'string' && choice.zoom === undefined ? choice.base : ''}
        onChange={(base) => change({ base: base as Preset, zoom: undefined })}
        data={(Object.keys(PRESETS) as Preset[]).map((value) => ({ value, label: t(value) }))}
      />
      <Popover opened={opened} onChange={setOpened} trapFocus withArrow position="bottom-start">
        <Popover.Target>
          <Button size="xs" variant={isCustom ? 'filled' : 'default'} onClick={open}>
            {t('custom')}
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={t('custom_title')}>
          <Stack gap="xs">
            <TextInput
              type="datetime-local"
              label={t('start')}
              value={custom.start}
              onChange={({ currentTarget: { value } }) => setCustom((before) => ({ ...before, start: value }))}
            />
            <TextInput
              type="datetime-local"
              label={t('end')}
              value={custom.end}
              onChange={({ currentTarget: { value } }) => setCustom((before) => ({ ...before, end: value }))}
            />
            {!isValid && (
              <Text size="xs" c="var(--mantine-color-error)" role="alert">
                {t('order')}
              </Text>
            )}
            <Button
              disabled={!isValid}
              onClick={() => {
                change({ base: { from, to }, zoom: undefined });
                setOpened(false);
              }}
            >
              {t('apply')}
            </Button>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </>
  );
}

interface RangePickerProps {
  readonly choice: Choice;
  readonly change: (changes: Partial<Choice>) => void;
}
