import { Box, Button, Code, Group, Paper, Progress, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { UserName } from '#console/components/record-name.tsx';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { formatInstant, Instant } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isOpen } from '../../commands/open-commands.ts';
import { Steps } from '../steps.tsx';
import { deviceCommandsTexts } from './commands.texts.ts';

type Command = components['schemas']['Command'];

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);

/** One command: every state it has been in and when, what comes next, and what the device answered. */
export function CommandCard({ command }: { readonly command: Command }) {
  const t = useTexts(deviceCommandsTexts);
  const { language } = useLanguage();
  const cache = useQueryClient();
  const { status, progress, result, error, params } = command;
  const cancel = async () => {
    const path = { device_id: command.device_id, command_id: command.command_id };
    const answer = await client.POST('/api/v1/devices/{device_id}/commands/{command_id}/cancel', { params: { path } });
    answer.error === undefined ? succeeded(t('cancelled')) : failed(answer.error);
    await cache.invalidateQueries({ queryKey: ['get', '/api/v1/devices/{device_id}/commands'] });
  };
  return (
    <Paper withBorder p="sm" component="article" aria-label={command.command}>
      <Group justify="space-between" mb={6}>
        <Group gap="sm">
          <Text fw={600}>{command.command}</Text>
          <StatusBadge status={status} />
          <Text size="xs" c="dimmed">
            <Instant at={command.created_at} ago />
            {command.created_by !== null && (
              <>
                {' · '}
                <UserName id={command.created_by} />
              </>
            )}
          </Text>
        </Group>
        {isOpen(status) && (
          <Button size="compact-sm" variant="default" onClick={() => void cancel()}>
            {t('cancel')}
          </Button>
        )}
      </Group>
      <Steps steps={command.history} label={t('history', { command: command.command })} />
      {isOpen(status) && (
        <Text size="sm" c="dimmed" mt={6}>
          {t(`next_${status}`, { time: formatInstant(command.expires_at, language) })}
        </Text>
      )}
      {progress !== null && isOpen(status) && (
        <Group gap="xs" mt={6} wrap="nowrap">
          <Progress value={progress} flex={1} maw={300} aria-label={t('progress', { percent: progress })} />
          <Text size="xs">{t('progress', { percent: progress })}</Text>
        </Group>
      )}
      {!isEmpty(params) && <Json value={params} label={t('params')} />}
      {!isEmpty(result) && <Json value={result} label={t('device_says')} />}
      {error !== null && (
        <Text size="sm" c="var(--mantine-color-error)" mt={6}>
          {t('error')}: {error}
        </Text>
      )}
    </Paper>
  );
}

function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
  const text = JSON.stringify(value);
  return (
    <Box mt={6}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label={label}
        mah={160}
        style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}
      >
        {text.length > 80 ? JSON.stringify(value, null, 2) : text}
      </Code>
    </Box>
  );
}
