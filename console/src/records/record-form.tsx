import {
  Button,
  Drawer,
  Group,
  JsonInput,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, type RefObject, useRef, useState } from 'react';
import { fieldErrors } from '#console/api/problem.ts';
import { common } from '#console/app/common.texts.ts';
import type { Kind } from '#console/components/named.ts';
import { RecordSelect } from '#console/components/record-select.tsx';
import { Failure } from '#console/components/states.tsx';
import { type Outcome, useSay } from '#console/components/undo.tsx';
import { useUnsaved } from '#console/components/use-unsaved.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { type AuditedRecord, ChangeHistory } from './change-history.tsx';

/** One field of a record, by the kind of its input. */
export interface Field {
  /** Of the API. */
  readonly key: string;
  readonly label: string;
  readonly kind: 'text' | 'long' | 'number' | 'switch' | 'choice' | 'tags' | 'json' | 'password' | 'instant' | Kind;
  readonly description?: string;
  readonly required?: boolean;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly placeholder?: string;
}

type FormValues = Record<string, unknown>;

/**
 * A form beside the list, made of fields. What the API refuses stands at its field, in the API's words; an empty field that
 * is not required is left out of a new record, and null in a changed one.
 */
export function RecordForm({ title, opened, audited, children, ...inputs }: RecordFormProps) {
  const words = useTexts(common);
  const leave = useRef(inputs.onClose);
  return (
    <Drawer
      opened={opened}
      onClose={() => leave.current()}
      title={title}
      position="right"
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      <Inputs {...inputs} leave={leave} />
      {children}
      {audited && <ChangeHistory of={audited} />}
    </Drawer>
  );
}

function Inputs({ fields, initial, onClose, submit, submitLabel, leave }: InputsProps) {
  const words = useTexts(common);
  const cache = useQueryClient();
  const say = useSay();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm<FormValues>({
    initialValues: Object.fromEntries(fields.map((field) => [field.key, shown(field, initial?.[field.key])])),
    validate: (values) =>
      Object.fromEntries(
        fields.flatMap((field) => (isFlawed(field, values[field.key]) ? [[field.key, words('not_json')]] : [])),
      ),
  });

  const unsaved = useUnsaved(form.isDirty());
  leave.current = () => unsaved.leave(onClose);

  const send = form.onSubmit(async (values) => {
    setBusy(true);
    unsaved.settled();
    const body = Object.fromEntries(fields.flatMap((field) => sent(field, values[field.key], initial)));
    try {
      const answer = await submit(body);
      setError(answer.error ?? null);
      if (answer.error !== undefined) {
        unsaved.dirty();
        const flaws = fieldErrors(answer.error);
        form.setErrors(flaws);
        const first = fields.find(({ key }) => flaws[key] !== undefined);
        if (first !== undefined) form.getInputNode(first.key)?.focus();
        return;
      }
      say(words(initial === undefined ? 'created' : 'saved'), answer.undo);
      await cache.invalidateQueries();
      onClose();
    } catch (failure) {
      unsaved.dirty();
      setError(failure);
    } finally {
      setBusy(false);
    }
  });

  return (
    <form onSubmit={send} noValidate>
      <Stack>
        {error !== null && !isAtFields(error, fields) && <Failure error={error} />}
        {fields.map((field, index) => (
          <Input
            key={field.key}
            field={field}
            isFirst={index === 0}
            props={form.getInputProps(field.key, { type: field.kind === 'switch' ? 'checkbox' : 'input' })}
          />
        ))}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => leave.current()}>
            {words('cancel')}
          </Button>
          <Button type="submit" loading={busy}>
            {submitLabel ?? words('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Whether all that the API minds stands at a field of the form. */
function isAtFields(error: unknown, fields: readonly Field[]): boolean {
  const flaws = Object.keys(fieldErrors(error));
  return flaws.length > 0 && flaws.every((flaw) => fields.some(({ key }) => key === flaw));
}

interface InputProps {
  readonly field: Field;
  readonly props: object;
  readonly isFirst: boolean;
}

function Input({ field, props, isFirst }: InputProps) {
  const { label, description, required, placeholder, options } = field;
  const all = {
    label,
    description,
    withAsterisk: required ?? false,
    placeholder,
    ...(isFirst ? { 'data-autofocus': true } : {}),
    ...props,
  };
  switch (field.kind) {
    case 'long':
      return <Textarea autosize minRows={2} {...all} />;
    case 'number':
      return <NumberInput {...all} />;
    case 'switch':
      return <Switch {...{ label, description }} {...props} />;
    case 'choice':
      return <Select data={[...(options ?? [])]} searchable clearable={required !== true} {...all} />;
    case 'tags':
      return <TagsInput {...all} />;
    case 'json':
      return <JsonInput autosize minRows={3} formatOnBlur {...all} />;
    case 'password':
      return <PasswordInput autoComplete="new-password" {...all} />;
    case 'instant':
      return <TextInput type="datetime-local" step={1} {...all} />;
    case 'text':
      return <TextInput {...all} />;
    default:
      return <RecordSelect kind={field.kind} {...(all as typeof all & Chosen)} />;
  }
}

type Chosen = Pick<React.ComponentProps<typeof RecordSelect>, 'value' | 'onChange'>;
const isChosen = ({ kind }: Field) => ['choice', 'person', 'device', 'group'].includes(kind);

/** The value of a record as its input shows it. */
function shown(field: Field, value: unknown): unknown {
  if (field.kind === 'switch') return value === true;
  if (field.kind === 'tags') return Array.isArray(value) ? value : [];
  if (value === null || value === undefined) return isChosen(field) ? null : '';
  if (field.kind === 'json') return JSON.stringify(value, null, 2);
  if (field.kind === 'choice') return String(value);
  if (field.kind === 'instant') {
    const at = new Date(String(value));
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  }
  return value;
}

function isFlawed({ kind }: Field, value: unknown): boolean {
  if (kind !== 'json' || value === '') return false;
  try {
    JSON.parse(String(value));
    return false;
  } catch {
    return true;
  }
}

/** What is sent of a field: nothing where nothing was said, or nothing has changed. */
function sent(field: Field, value: unknown, initial: FormValues | undefined): [key: string, value: unknown][] {
  const { key, kind } = field;
  const isEmpty = value === '' || value === null || value === undefined || (Array.isArray(value) && value.length === 0);
  if (isEmpty) return initial === undefined || shown(field, initial[key]) === value ? [] : [[key, null]];
  if (initial !== undefined && JSON.stringify(shown(field, initial[key])) === JSON.stringify(value)) return [];
  if (kind === 'json') return [[key, JSON.parse(String(value))]];
  if (kind === 'instant') return [[key, new Date(String(value)).toISOString()]];
  return [[key, value]];
}

export interface RecordFormProps {
  readonly title: string;
  readonly fields: readonly Field[];
  /** The record that is changed; without: a new one. */
  readonly initial?: FormValues | undefined;
  readonly opened: boolean;
  /** Of a record that is changed: its last changes stand below. */
  readonly audited?: AuditedRecord | undefined;
  /** What belongs to the record and is no field of it. */
  readonly children?: ReactNode;
  readonly onClose: () => void;
  readonly submit: (body: Record<string, unknown>) => Promise<Outcome>;
  readonly submitLabel?: string | undefined;
}

interface InputsProps extends Omit<RecordFormProps, 'opened' | 'title' | 'audited' | 'children'> {
  /** Filled with what closes the form, for what is around it. */
  readonly leave: RefObject<() => void>;
}
