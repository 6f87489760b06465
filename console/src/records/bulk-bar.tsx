import { Button, Group, List, Modal, Paper, Progress, ScrollArea, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { problemText } from '#console/api/problem.ts';
import { common } from '#console/app/common.texts.ts';
import { RecordSelect } from '#console/components/record-select.tsx';
import { allOf, type Outcome, type Undo, useSay } from '#console/components/undo.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { recordTexts } from './records.texts.ts';
import type { BulkAction } from './records.types.ts';

interface Result {
  readonly name: string;
  /** Null: done. */
  readonly problem: string | null;
  readonly undo: Undo | undefined;
}

/** What can be done to the rows that were picked: with a preview of how many, and a result for each. */
export function BulkBar<Row>({ actions, picked, nameOf, onDone }: BulkBarProps<Row>) {
  const t = useTexts(recordTexts);
  const words = useTexts(common);
  const { role } = useUser();
  const cache = useQueryClient();
  const say = useSay();
  const [action, setAction] = useState<BulkAction<Row> | null>(null);
  const [results, setResults] = useState<readonly Result[]>([]);
  const [running, setRunning] = useState(false);
  const [chosen, setChosen] = useState<number | null>(null);
  const rows = [...picked.values()];
  const count = rows.length;

  const run = async (todo: BulkAction<Row>) => {
    setRunning(true);
    for (const row of rows) {
      const { error, undo }: Outcome = await todo.run(row, chosen).catch((error: unknown) => ({ error }));
      const result = { name: nameOf(row), problem: error === undefined ? null : problemText(error), undo };
      setResults((before) => [...before, result]);
    }
    setRunning(false);
    await cache.invalidateQueries();
  };
  const close = () => {
    if (results.length > 0) onDone();
    const done = results.filter(({ problem }) => problem === null);
    const undos = done.flatMap(({ undo }) => undo ?? []);
    if (undos.length > 0) say(`${action?.label}: ${t('done', { done: done.length, count })}`, allOf(undos));
    setAction(null);
    setResults([]);
    setChosen(null);
  };
  return (
    <Paper withBorder p="xs" mb="sm">
      <Group gap="sm">
        <Text size="sm" fw={600}>
          {t('selected', { count })}
        </Text>
        {actions
          .filter(({ least }) => isAtLeast(role, least))
          .map((each) => (
            <Button
              key={each.key}
              size="xs"
              variant="default"
              {...(each.color === undefined ? {} : { c: each.color })}
              onClick={() => setAction(each)}
            >
              {each.label}
            </Button>
          ))}
      </Group>
      <Modal
        opened={action !== null}
        onClose={running ? () => {} : close}
        title={action && t('confirm', { action: action.label, count })}
        closeButtonProps={{ 'aria-label': words('close') }}
      >
        {action?.asks && results.length === 0 && (
          <RecordSelect
            kind={action.asks.kind}
            label={action.asks.label}
            placeholder={action.asks.none}
            value={chosen}
            onChange={setChosen}
          />
        )}
        {results.length > 0 && (
          <Progress
            value={(100 * results.length) / count}
            mb="sm"
            aria-label={t('done', { done: results.length, count })}
          />
        )}
        <ScrollArea.Autosize mah={300} mt="sm">
          <List size="sm">
            {results.length === 0
              ? rows.map((row) => <List.Item key={nameOf(row)}>{nameOf(row)}</List.Item>)
              : results.map(({ name, problem }) => (
                  <List.Item key={name} {...(problem === null ? {} : { c: 'red' })}>
                    {name}: {problem ?? t('result_ok')}
                  </List.Item>
                ))}
          </List>
        </ScrollArea.Autosize>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={close} disabled={running}>
            {results.length > 0 ? words('close') : words('cancel')}
          </Button>
          {action && results.length === 0 && (
            <Button color={action.color ?? 'petrol'} onClick={() => void run(action)}>
              {t('go')}
            </Button>
          )}
        </Group>
      </Modal>
    </Paper>
  );
}

interface BulkBarProps<Row> {
  readonly actions: readonly BulkAction<Row>[];
  readonly picked: ReadonlyMap<string | number, Row>;
  readonly nameOf: (row: Row) => string;
  readonly onDone: () => void;
}
