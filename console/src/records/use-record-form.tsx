import { useState } from 'react';
import { type Field, RecordForm, type RecordFormProps } from './record-form.tsx';

/** The form of a list: open for a new record, or for one that is there. */
export function useRecordForm<Row>(): {
  readonly openNew: () => void;
  readonly openFor: (row: Row) => void;
  readonly row: Row | undefined;
  form(
    props: Pick<RecordFormProps, 'title' | 'submit' | 'audited' | 'children'> & { readonly fields: readonly Field[] },
  ): React.ReactElement;
} {
  const [state, setState] = useState<{ readonly row?: Row } | null>(null);
  const row = state?.row;
  return {
    openNew: () => setState({}),
    openFor: (next) => setState({ row: next }),
    row,
    form: ({ fields, ...props }) => (
      <RecordForm
        {...props}
        fields={fields}
        opened={state !== null}
        onClose={() => setState(null)}
        initial={row as Record<string, unknown> | undefined}
      />
    ),
  };
}
