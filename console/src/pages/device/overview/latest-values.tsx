import { Paper, SimpleGrid, Text } from '@mantine/core';
import { Instant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import type { LatestValue } from '../telemetry.data.ts';

export function LatestValues({ metrics }: { readonly metrics: readonly (readonly [string, LatestValue])[] }) {
  const { language } = useLanguage();
  const numbers = new Intl.NumberFormat(language, { maximumSignificantDigits: 7 });
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="sm" aria-live="off">
      {metrics.map(([name, { value, timestamp }]) => (
        <Paper key={name} withBorder p="sm" miw={0}>
          <Text size="xs" c="dimmed" data-clamp>
            {name}
          </Text>
          <Text size="xl" fw={600} data-clamp data-text>
            {typeof value === 'number' ? numbers.format(value) : String(value)}
          </Text>
          <Text size="xs" c="dimmed">
            <Instant at={timestamp} ago />
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
