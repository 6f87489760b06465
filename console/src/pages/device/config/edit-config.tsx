import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { JsonDiff, JsonEditor, sortedJson } from '#console/components/json-editor.tsx';
import { Failure } from '#console/components/states.tsx';
import { useSay } from '#console/components/undo.tsx';
import { useUnsaved } from '#console/components/use-unsaved.tsx';
import { formatAgo } from '#console/i18n/format.tsx';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { type ConfigVersion, type DeviceConfig, etagOf, readCurrent, refreshConfig, undoOf } from './config.data.ts';
import { configTexts } from './config.texts.ts';
import { useWho } from './who.ts';

interface Overtaken {
  readonly config: DeviceConfig;
  readonly change: ConfigVersion | undefined;
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Edits what is desired. Whoever saved meanwhile is not overwritten unseen: the version that was read is sent along. */
export function EditConfig({ device, config, onClose }: EditConfigProps) {
  const t = useTexts(configTexts);
  const words = useTexts(common);
  const cache = useQueryClient();
  const say = useSay();
  const [base, setBase] = useState(config.desired);
  const [text, setText] = useState(() => JSON.stringify(config.desired.config, null, 2));
  const [error, setError] = useState<unknown>(null);
  const [overtaken, setOvertaken] = useState<Overtaken | null>(null);
  const [busy, setBusy] = useState(false);
  const body = objectOf(text);
  const unsaved = useUnsaved(text !== JSON.stringify(base.config, null, 2));

  const save = async (version: number) => {
    if (body === null) return;
    setBusy(true);
    try {
      const params = { path: { device_id: device.id }, header: { 'if-match': etagOf(version) } };
      const answer = await client.PUT('/api/v1/devices/{device_id}/config', { params, body });
      if (answer.response.status === 412) {
        setOvertaken(await readCurrent(device.id));
        setError(null);
        return;
      }
      setError(answer.error ?? null);
      if (answer.error !== undefined) return;
      const saved = answer.data.desired.version;
      if (saved === version) say(t('unchanged'));
      else say(t('saved', { version: String(saved) }), undoOf(device.id, version, saved));
      unsaved.settled();
      await refreshConfig(cache);
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const takeTheirs = async () => {
    if (overtaken === null) return;
    setBase(overtaken.config.desired);
    setText(JSON.stringify(overtaken.config.desired.config, null, 2));
    setOvertaken(null);
    await refreshConfig(cache);
  };
  return (
    <Paper withBorder p="md" component="section" aria-label={t('edit_title')}>
      <Stack gap="sm">
        <Group gap="sm">
          <Title order={2} size="h5">
            {t('edit_title')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('version', { version: String(base.version) })}
          </Text>
        </Group>
        {error !== null && <Failure error={error} />}
        {overtaken === null ? (
          <JsonEditor key={base.version} value={text} label={t('edit_title')} onChange={setText} />
        ) : (
          <Overtaking
            overtaken={overtaken}
            text={text}
            onDrop={() => void takeTheirs()}
            onSave={() => void save(overtaken.config.desired.version)}
          />
        )}
        {body === null && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {t('not_json')}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => unsaved.leave(onClose)}>
            {words('cancel')}
          </Button>
          {overtaken === null && (
            <Button loading={busy} disabled={body === null} onClick={() => void save(base.version)}>
              {t('save')}
            </Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

/** Who was faster, and what differs. */
function Overtaking({ overtaken, text, onDrop, onSave }: OvertakingProps) {
  const t = useTexts(configTexts);
  const { language } = useLanguage();
  const { config, change } = overtaken;
  const who = useWho(change);
  return (
    <Stack gap="sm">
      <Alert color="orange" variant="outline" icon={<IconAlertTriangle />} role="alert">
        <Text size="sm" fw={600}>
          {t('overtaken', {
            who,
            version: String(config.desired.version),
            when: change === undefined ? '' : formatAgo(change.created_at, language),
          })}
        </Text>
        <Text size="sm" mb="xs">
          {t('overtaken_text')}
        </Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onDrop}>
            {t('take_theirs')}
          </Button>
          <Button size="xs" onClick={onSave}>
            {t('save_mine')}
          </Button>
        </Group>
      </Alert>
      <JsonDiff
        label={t('differences')}
        left={{ label: t('desired'), text: sortedJson(config.desired.config) }}
        right={{ label: t('yours'), text: sortedJson(objectOf(text) ?? {}) }}
      />
    </Stack>
  );
}

interface EditConfigProps {
  readonly device: Device;
  /** As it was when the editing began. */
  readonly config: DeviceConfig;
  readonly onClose: () => void;
}

interface OvertakingProps {
  readonly overtaken: Overtaken;
  readonly text: string;
  readonly onDrop: () => void;
  readonly onSave: () => void;
}
