import { Box, Group, Text, Tooltip } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { formatInstant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';

interface Step {
  readonly status: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const;

/** In the largest unit that it fills: `1.4 s`. */
function formatSpan(ms: number, language: string): string {
  const [unit, size] = UNITS.find((each) => ms >= each[1]) ?? (['millisecond', 1] as const);
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 });
  return format.format(ms / size);
}

/** States in the order in which they came, with the time each took to come. */
export function Steps({ steps, label }: { readonly steps: readonly Step[]; readonly label: string }) {
  const { language } = useLanguage();
  return (
    <Group gap={6} component="ol" aria-label={label} m={0} p={0} style={{ listStyle: 'none' }}>
      {steps.map(({ status, at }, index) => {
        const before = steps[index - 1];
        return (
          <Group key={`${status}-${at}`} component="li" gap={6} wrap="nowrap">
            {before !== undefined && (
              <Box c="dimmed" display="flex">
                <IconChevronRight size={14} aria-hidden />
              </Box>
            )}
            <Tooltip label={`${formatInstant(at, language)} · ${at}`}>
              <span>
                <StatusBadge status={status} />
              </span>
            </Tooltip>
            <Text size="xs" c="dimmed">
              {before === undefined
                ? formatInstant(at, language)
                : `+${formatSpan(Date.parse(at) - Date.parse(before.at), language)}`}
            </Text>
          </Group>
        );
      })}
    </Group>
  );
}
