import { Alert, Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { problemParts } from '#console/api/problem.ts';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';

export function Splash() {
  const t = useTexts(common);
  return (
    <Center mih="60vh">
      <Loader aria-label={t('loading')} />
    </Center>
  );
}

/** A fault of the console itself. */
export function PageFailed({ error }: { readonly error: unknown }) {
  const t = useTexts(common);
  const [text] = problemParts(error);
  return (
    <Center mih="60vh">
      <Stack align="center" maw={500}>
        <Title order={1} size="h3">
          {t('broken')}
        </Title>
        <Text>{text}</Text>
        <Button onClick={() => location.reload()}>{t('reload')}</Button>
      </Stack>
    </Center>
  );
}

/** What the API has refused, with the way to try again. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const t = useTexts(common);
  const [text, more] = problemParts(error);
  return (
    <Alert color="red" variant="outline" icon={<IconAlertTriangle />} title={t('failed')} role="alert">
      <Group justify="space-between">
        <div style={{ minWidth: 0 }}>
          <Text size="sm">{text}</Text>
          {more !== null && (
            <Text size="sm" c="dimmed">
              {more}
            </Text>
          )}
        </div>
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('retry')}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** An empty list says what it is for, and has its one action. */
export function Empty({ title, text, action }: EmptyProps) {
  return (
    <Center py={60}>
      <Stack align="center" gap="xs" maw={440} ta="center">
        <Text fw={600}>{title}</Text>
        <Text c="dimmed">{text}</Text>
        {action}
      </Stack>
    </Center>
  );
}

export interface EmptyProps {
  readonly title: string;
  readonly text: string;
  readonly action?: ReactNode;
}
