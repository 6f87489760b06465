import { Anchor, Checkbox, Group, Table, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { WideTable } from '#console/components/wide-table.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { ListChange, ListState } from './records.state.ts';
import { recordTexts } from './records.texts.ts';
import type { Column, ListPath, Records, RowOf } from './records.types.ts';

export function RecordsTable<Path extends ListPath>({
  records,
  rows,
  state,
  change,
  picked,
  onPick,
}: TableProps<Path>) {
  const t = useTexts(recordTexts);
  const columns = records.columns.filter(({ key }) => state.columns.includes(key));
  const onPage = new Map(rows.map((row) => [records.keyOf(row), row]));
  const allPicked = rows.every((row) => picked.has(records.keyOf(row)));
  const pick = (changed: ReadonlyMap<string | number, RowOf<Path>>, isPicked: boolean) => {
    const next = new Map(picked);
    for (const [key, row] of changed) isPicked ? next.set(key, row) : next.delete(key);
    onPick(next);
  };
  return (
    <WideTable label={records.title} minWidth={Math.min(columns.length * 130, 900)}>
      <Table.Thead>
        <Table.Tr>
          {records.bulk && (
            <Table.Th w={36}>
              <Checkbox
                size="xs"
                aria-label={t('select_all')}
                checked={allPicked}
                indeterminate={!allPicked && rows.some((row) => picked.has(records.keyOf(row)))}
                onChange={(event) => pick(onPage, event.currentTarget.checked)}
              />
            </Table.Th>
          )}
          {columns.map((column) => (
            <Heading key={column.key} column={column} state={state} change={change} />
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => {
          const key = records.keyOf(row);
          return (
            <Table.Tr key={key}>
              {records.bulk && (
                <Table.Td>
                  <Checkbox
                    size="xs"
                    aria-label={t('select', { name: records.nameOf(row) })}
                    checked={picked.has(key)}
                    onChange={(event) => pick(new Map([[key, row]]), event.currentTarget.checked)}
                  />
                </Table.Td>
              )}
              {columns.map((column, index) => (
                <Table.Td key={column.key} maw={360}>
                  <div data-clamp>
                    {index === 0 ? <Opening records={records} row={row} column={column} /> : cellOf(column, row)}
                  </div>
                </Table.Td>
              ))}
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </WideTable>
  );
}

function cellOf<Row>(column: Column<Row>, row: Row): ReactNode {
  if (column.render !== undefined) return column.render(row);
  const value = (row as Readonly<Record<string, unknown>>)[column.key];
  if (value === null || value === undefined || value === '') return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The first cell leads to the record. */
function Opening<Path extends ListPath>({ records, row, column }: OpeningProps<Path>) {
  const cell = cellOf(column, row);
  const { hrefOf, onOpen } = records;
  if (hrefOf !== undefined) {
    return (
      <Anchor component={Link} to={hrefOf(row)} inherit>
        {cell}
      </Anchor>
    );
  }
  if (onOpen === undefined) return cell;
  return (
    <Anchor component="button" type="button" inherit ta="start" onClick={() => onOpen(row)}>
      {cell}
    </Anchor>
  );
}

function Heading<Row>({ column, state, change }: HeadingProps<Row>) {
  const t = useTexts(recordTexts);
  const isDescending = state.sort === `-${column.key}`;
  const isAscending = state.sort === column.key;
  const sorted = isDescending ? 'descending' : isAscending ? 'ascending' : 'none';
  if (column.sortable !== true) return <Table.Th>{column.label}</Table.Th>;
  const Icon = isDescending ? IconArrowDown : IconArrowUp;
  return (
    <Table.Th aria-sort={sorted}>
      <UnstyledButton
        fw={600}
        fz="sm"
        onClick={() => change({ sort: isAscending ? `-${column.key}` : column.key })}
        {...(sorted === 'none' ? {} : { title: t(sorted) })}
      >
        <Group gap={4} wrap="nowrap">
          {column.label}
          {sorted !== 'none' && <Icon size={14} aria-hidden />}
        </Group>
      </UnstyledButton>
    </Table.Th>
  );
}

interface TableProps<Path extends ListPath> {
  readonly records: Records<Path>;
  readonly rows: readonly RowOf<Path>[];
  readonly state: ListState;
  readonly change: (change: ListChange) => void;
  readonly picked: ReadonlyMap<string | number, RowOf<Path>>;
  readonly onPick: (picked: ReadonlyMap<string | number, RowOf<Path>>) => void;
}

interface OpeningProps<Path extends ListPath> {
  readonly records: Records<Path>;
  readonly row: RowOf<Path>;
  readonly column: Column<RowOf<Path>>;
}

interface HeadingProps<Row> {
  readonly column: Column<Row>;
  readonly state: ListState;
  readonly change: (change: ListChange) => void;
}
