import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

/** A table that scrolls by itself where the page is narrower, by keyboard too. */
export function WideTable({ label, minWidth, children }: WideTableProps) {
  const viewportProps = { tabIndex: 0, role: 'region', 'aria-label': label };
  return (
    <Table.ScrollContainer minWidth={minWidth} scrollAreaProps={{ viewportProps }}>
      <Table>{children}</Table>
    </Table.ScrollContainer>
  );
}

interface WideTableProps {
  readonly label: string;
  readonly minWidth: number;
  readonly children: ReactNode;
}
