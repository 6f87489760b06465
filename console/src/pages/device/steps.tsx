import { Box, Group, Text, Tooltip } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { formatInstant, formatSpan } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';

interface Step {
  readonly status: string;
  /** ISO 8601 UTC. */
  readonly at: string;
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
