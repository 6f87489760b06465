import { useState } from 'react';
import { useDialog } from '#console/components/use-dialog.ts';
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
  const [row, setRow] = useState<Row | undefined>(undefined);
  const [isNew, making] = useDialog('new');
  return {
    openNew: making.open,
    openFor: setRow,
    row,
    form: ({ fields, ...props }) => (
      <RecordForm
        {...props}
        fields={fields}
        opened={isNew || row !== undefined}
        onClose={() => {
          setRow(undefined);
          making.close();
        }}
        initial={row as Record<string, unknown> | undefined}
      />
    ),
  };
}
