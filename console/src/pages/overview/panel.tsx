import { Group, Loader, Paper, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Failure } from '#console/components/states.tsx';

/** One part of the page: while it is loading, when it has failed, and what it shows. */
export function Panel({ title, aside, query, children }: PanelProps) {
  return (
    <Paper withBorder p="md" component="section" h="100%" miw={0}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {aside}
      </Group>
      {query.error != null && query.isLoading !== true && (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isLoading === true ? <Loader size="sm" /> : children}
    </Paper>
  );
}

interface PanelProps {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly query: { readonly isLoading?: boolean; readonly error: unknown; refetch(): unknown };
  readonly children: ReactNode;
}
