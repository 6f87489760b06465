import { Button, Card, Center, Group, Image, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type ReactNode, useEffect, useState } from 'react';
import { fieldErrors, isProblem } from '#console/api/problem.ts';
import { BASE } from '#console/app/base.ts';
import { LanguageMenu } from '#console/components/language-menu.tsx';
import { Failure } from '#console/components/states.tsx';

/** What is around every step of the way in. */
export function Frame({ title, text, children }: FrameProps) {
  useEffect(() => {
    document.title = `${title} · core-api`;
  }, [title]);
  return (
    <Center mih="100vh" component="main" p="md">
      <Card withBorder shadow="sm" padding="xl" w={400} maw="100%">
        <Stack>
          <Group wrap="nowrap">
            <Image src={`${BASE}/admin/favicon.svg`} alt="" w={40} h={40} />
            <Title order={1} size="h3">
              {title}
            </Title>
          </Group>
          {text !== undefined && (
            <Text size="sm" c="dimmed">
              {text}
            </Text>
          )}
          {children}
          <LanguageMenu />
        </Stack>
      </Card>
    </Center>
  );
}

interface FrameProps {
  readonly title: string;
  readonly text?: string;
  readonly children: ReactNode;
}

/** A form of texts, one request, and what the API refuses at its fields. */
export function StepForm<Key extends string>({ keys, initial, submitLabel, send, children }: StepFormProps<Key>) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm<Record<Key, string>>({
    mode: 'uncontrolled',
    initialValues: Object.fromEntries(keys.map((key) => [key, initial?.[key] ?? ''])) as Record<Key, string>,
  });
  const submit = form.onSubmit(async (values) => {
    setBusy(true);
    try {
      await send(values);
      setError(null);
    } catch (failure) {
      setError(failure);
      if (isProblem(failure)) form.setErrors(fieldErrors(failure));
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={submit}>
      <Stack>
        {error !== null && <Failure error={error} />}
        {children((key) => form.getInputProps(key))}
        <Button type="submit" loading={busy}>
          {submitLabel}
        </Button>
      </Stack>
    </form>
  );
}

interface StepFormProps<Key extends string> {
  readonly keys: readonly Key[];
  readonly initial?: Readonly<Record<Key, string>>;
  readonly submitLabel: string;
  /** @throws the problem that the API answered */
  readonly send: (values: Record<Key, string>) => Promise<void>;
  readonly children: (inputProps: (key: Key) => object) => ReactNode;
}
