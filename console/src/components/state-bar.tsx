import { Box, Group, Text } from '@mantine/core';
import { useApiWords } from '#console/i18n/language.tsx';

/** Colours that are told apart side by side; the words beside them say the same. */
const COLOUR = {
  SUCCEEDED: 'var(--mantine-color-teal-7)',
  FAILED: 'var(--mantine-color-red-8)',
  TIMED_OUT: 'var(--mantine-color-red-5)',
  EXPIRED: 'var(--mantine-color-red-5)',
  REJECTED: 'var(--mantine-color-orange-7)',
  INSTALLING: 'var(--mantine-color-indigo-8)',
  DOWNLOADED: 'var(--mantine-color-indigo-6)',
  DOWNLOADING: 'var(--mantine-color-blue-5)',
  OFFERED: 'var(--mantine-color-cyan-4)',
  IN_PROGRESS: 'var(--mantine-color-indigo-6)',
  DELIVERED: 'var(--mantine-color-blue-5)',
  SENT: 'var(--mantine-color-cyan-4)',
  QUEUED: 'var(--mantine-color-gray-5)',
  SKIPPED: 'var(--mantine-color-teal-3)',
  CANCELLED: 'var(--mantine-color-gray-7)',
  SUPERSEDED: 'var(--mantine-color-gray-6)',
} as const;
/** What is done comes first, what waits last. */
const ORDER = Object.keys(COLOUR) as (keyof typeof COLOUR)[];

/** How many are in each state: as one bar, and in words. */
export function StateBar({
  counts,
  label,
}: {
  readonly counts: Readonly<Record<string, number>>;
  readonly label: string;
}) {
  const { valueText } = useApiWords();
  const nameOf = (state: string) => valueText('status', state);
  const shown = ORDER.flatMap((state) => ((counts[state] ?? 0) > 0 ? [[state, counts[state] ?? 0] as const] : []));
  const total = shown.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  return (
    <div>
      <Group
        gap={2}
        wrap="nowrap"
        role="img"
        aria-label={`${label}: ${shown.map(([state, count]) => `${nameOf(state)} ${count}`).join(', ')}`}
        h={18}
        mb={6}
      >
        {shown.map(([state, count]) => (
          <Box key={state} h="100%" miw={3} bdrs={3} bg={COLOUR[state]} style={{ flexGrow: count, flexBasis: 0 }} />
        ))}
      </Group>
      <Group gap="md" aria-hidden>
        {shown.map(([state, count]) => (
          <Group key={state} gap={6} wrap="nowrap">
            <Box w={10} h={10} bdrs={2} bg={COLOUR[state]} />
            <Text size="sm">
              {nameOf(state)}{' '}
              <Text span fw={600} inherit>
                {count}
              </Text>
            </Text>
          </Group>
        ))}
      </Group>
    </div>
  );
}
