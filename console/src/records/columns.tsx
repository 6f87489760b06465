import { IconCheck, IconMinus } from '@tabler/icons-react';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { Instant } from '#console/i18n/format.tsx';
import type { Column } from './records.types.ts';

const of = <Row,>(row: Row, key: string) => (row as Readonly<Record<string, unknown>>)[key];

type Extra = Pick<Column<unknown>, 'sortable' | 'optional'>;

export function instantColumn<Row>(
  key: string,
  label: string,
  { ago = false, ...extra }: Extra & { ago?: boolean } = {},
): Column<Row> {
  return {
    key,
    label,
    sortable: true,
    ...extra,
    render: (row) => <Instant at={of(row, key) as string | null} ago={ago} />,
  };
}

export function statusColumn<Row>(key: string, label: string, extra: Extra = { sortable: true }): Column<Row> {
  return { key, label, ...extra, render: (row) => <StatusBadge status={String(of(row, key))} /> };
}

export function booleanColumn<Row>(
  key: string,
  label: string,
  words: { yes: string; no: string },
  extra: Extra = {},
): Column<Row> {
  return {
    key,
    label,
    ...extra,
    render: (row) =>
      of(row, key) === true ? (
        <IconCheck size={16} aria-label={words.yes} role="img" />
      ) : (
        <IconMinus size={16} aria-label={words.no} role="img" />
      ),
  };
}
