import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** One part of the account. */
export function Section({ title, text, aside, children }: SectionProps) {
  return (
    <Paper withBorder p="md" component="section">
      <Group justify="space-between" align="flex-start" gap="sm" mb="sm">
        <div style={{ minWidth: 0, flex: 1 }}>
          <Title order={2} size="h5">
            {title}
          </Title>
          {text !== undefined && (
            <Text size="sm" c="dimmed">
              {text}
            </Text>
          )}
        </div>
        {aside}
      </Group>
      <Stack gap="sm">{children}</Stack>
    </Paper>
  );
}

interface SectionProps {
  readonly title: string;
  readonly text?: string;
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
}
