import { Badge } from '@mantine/core';
import type { ValueKind } from '#console/i18n/api-words.ts';
import { useApiWords } from '#console/i18n/language.tsx';

/** Colours that hold 4.5 : 1 against their text, in both schemes. */
const COLOUR: Readonly<Record<string, string>> = {
  ONLINE: 'teal.9',
  ACTIVE: 'red.9',
  CRITICAL: 'red.9',
  ERROR: 'red.9',
  FAILED: 'red.9',
  ABORTED: 'red.9',
  REJECTED: 'red.9',
  TIMED_OUT: 'red.9',
  WARNING: 'orange.9',
  PAUSED: 'orange.9',
  MAINTENANCE: 'indigo.8',
  RUNNING: 'indigo.8',
  IN_PROGRESS: 'indigo.8',
  SUCCEEDED: 'teal.9',
  COMPLETED: 'teal.9',
  OK: 'teal.9',
};

/** A status in a colour that everybody knows: in the words of the API, or in Korean. */
export function StatusBadge({ status, kind = 'status' }: { readonly status: string; readonly kind?: ValueKind }) {
  const { valueText } = useApiWords();
  return (
    <Badge color={COLOUR[status] ?? 'gray.7'} miw="max-content">
      {valueText(kind, status)}
    </Badge>
  );
}
