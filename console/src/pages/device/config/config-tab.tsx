import {
  Alert,
  Badge,
  Button,
  Code,
  Group,
  Loader,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { IconAlertTriangle, IconPencil } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { JsonDiff, sortedJson } from '#console/components/json-editor.tsx';
import { UserName } from '#console/components/record-name.tsx';
import { Failure } from '#console/components/states.tsx';
import { Instant } from '#console/i18n/format.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { Device } from '../device.data.ts';
import { type DeviceConfig, useConfig } from './config.data.ts';
import { configTexts } from './config.texts.ts';
import { ConfigHistory } from './config-history.tsx';
import { EditConfig } from './edit-config.tsx';

/** What the device is to have, what it says it has, and the way from the one to the other. */
export function ConfigTab({ device }: { readonly device: Device }) {
  const t = useTexts(configTexts);
  const { data: config, error, refetch } = useConfig(device.id);
  const [edited, setEdited] = useState<DeviceConfig | null>(null);
  if (config === undefined) {
    return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loader aria-label={t('loading')} />;
  }
  return (
    <Stack>
      <Standing config={config}>
        {edited === null && (
          <Button leftSection={<IconPencil size={16} />} onClick={() => setEdited(config)}>
            {t('edit')}
          </Button>
        )}
      </Standing>
      {edited !== null && <EditConfig device={device} config={edited} onClose={() => setEdited(null)} />}
      <Sides config={config} />
      <Differences config={config} />
      <ConfigHistory device={device} config={config} />
    </Stack>
  );
}

function Standing({ config, children }: { readonly config: DeviceConfig; readonly children: ReactNode }) {
  const t = useTexts(configTexts);
  const { in_sync, desired, reported, delta } = config;
  const count = Object.keys(delta as object).length;
  const text =
    desired.version === 0 ? t('nothing_yet') : in_sync ? t('in_sync_text') : t('not_in_sync_text', { count });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Group gap="sm" flex={1} miw={240}>
          {desired.version > 0 && (
            <Badge color={in_sync ? 'teal.9' : 'orange.9'}>{in_sync ? t('in_sync') : t('not_in_sync')}</Badge>
          )}
          <Text size="sm" flex={1} miw={200}>
            {text}
          </Text>
        </Group>
        {children}
      </Group>
      {reported.error !== null && (
        <Alert color="red" variant="outline" icon={<IconAlertTriangle />}>
          {t('device_error', { error: reported.error })}
        </Alert>
      )}
    </Stack>
  );
}

function Sides({ config: { desired, effective, reported } }: { readonly config: DeviceConfig }) {
  const t = useTexts(configTexts);
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Side
        title={t('desired')}
        text={t('desired_text')}
        version={desired.version}
        at={desired.updated_at}
        value={desired.config}
      >
        {desired.updated_by !== null && (
          <>
            {' '}
            {t('by')} <UserName id={desired.updated_by} />
          </>
        )}
      </Side>
      <Side
        title={t('effective')}
        text={t('effective_text')}
        version={desired.version}
        at={desired.updated_at}
        value={effective}
      />
      <Side
        title={t('reported')}
        text={t('reported_text')}
        version={reported.version}
        at={reported.reported_at}
        value={reported.config}
      />
    </SimpleGrid>
  );
}

function Side({ title, text, version, at, value, children }: SideProps) {
  const t = useTexts(configTexts);
  return (
    <Paper withBorder p="md" component="section" miw={0}>
      <Title order={2} size="h5">
        {title}
      </Title>
      <Text size="xs" c="dimmed">
        {text}
      </Text>
      <Text size="xs" mb="xs">
        {version !== null && t('version', { version: String(version) })}
        {at !== null && (
          <>
            {' · '}
            <Instant at={at} ago />
          </>
        )}
        {children}
      </Text>
      {value === null || value === undefined ? (
        <Text size="sm">{t('not_reported')}</Text>
      ) : (
        <Code block tabIndex={0} role="region" aria-label={title} mah={320} style={{ overflow: 'auto' }}>
          {sortedJson(value)}
        </Code>
      )}
    </Paper>
  );
}

function Differences({ config: { desired, effective, reported } }: { readonly config: DeviceConfig }) {
  const t = useTexts(configTexts);
  const [pair, setPair] = useState<'effective_reported' | 'desired_effective'>('effective_reported');
  const sides = {
    desired: { label: t('desired'), text: sortedJson(desired.config) },
    effective: { label: t('effective'), text: sortedJson(effective) },
    reported: { label: t('reported'), text: sortedJson(reported.config ?? {}) },
  };
  const [left, right] =
    pair === 'effective_reported' ? [sides.effective, sides.reported] : [sides.desired, sides.effective];
  if (desired.version === 0 && reported.config === null) return null;
  return (
    <Paper withBorder p="md" component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h5">
          {t('differences')}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={t('compared')}
          value={pair}
          onChange={(next) => setPair(next as typeof pair)}
          data={(['effective_reported', 'desired_effective'] as const).map((value) => ({ value, label: t(value) }))}
        />
      </Group>
      {left.text === right.text ? (
        <Text size="sm">{t('same')}</Text>
      ) : (
        <JsonDiff label={t('differences')} left={left} right={right} />
      )}
    </Paper>
  );
}

interface SideProps {
  readonly title: string;
  readonly text: string;
  readonly version: number | null;
  readonly at: string | null;
  readonly value: unknown;
  readonly children?: ReactNode;
}
