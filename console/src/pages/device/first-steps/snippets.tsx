import { Alert, Button, Group, Loader, ScrollArea, Stack, Switch, Tabs, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { BASE } from '#console/app/base.ts';
import { common } from '#console/app/common.texts.ts';
import { CopyBlock } from '#console/components/copy.tsx';
import { Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { type Device, useSecret } from '../device.data.ts';
import { deviceTexts } from '../device.texts.ts';
import { useNewSecret } from '../device-actions.tsx';
import { firstStepsTexts } from './first-steps.texts.ts';
import { discoveryFor, snippetsFor } from './snippets.ts';

type Addresses = components['schemas']['MqttAddresses'];

/** How this device sends here, ready to be copied. */
export function Snippets({ device }: { readonly device: Device }) {
  const words = useTexts(common);
  const { data, error, refetch } = api.useQuery('get', '/api/v1/system/connection');
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loader size="sm" aria-label={words('loading')} />;
  return <Filled device={device} mqtt={data.mqtt} />;
}

/** By TLS where a secret is enough for it, as the server tells devices that register themselves. */
function Filled({ device, mqtt }: { readonly device: Device; readonly mqtt: Addresses }) {
  const t = useTexts(firstStepsTexts);
  const words = useTexts(deviceTexts);
  const { role } = useUser();
  const secret = useSecret(device.id);
  const newSecret = useNewSecret(device);
  const tlsPort = mqtt.tls_needs_certificate ? null : mqtt.tls_port;
  const [wantsTls, setTls] = useState(tlsPort !== null);
  const tls = wantsTls || mqtt.port === null;
  const target = {
    host: mqtt.host,
    mqttPort: (tls ? mqtt.tls_port : mqtt.port) ?? 1883,
    tls,
    api: `${location.origin}${BASE}/api/v1`,
    uid: device.device_uid,
    secret: secret ?? t('placeholder'),
  };
  const discovery = discoveryFor(target, device.name);
  return (
    <Stack gap="sm">
      {secret === undefined && (
        <Alert color="orange" variant="outline" icon={<IconKey />}>
          <Group justify="space-between">
            <Text size="sm" flex={1} miw={200}>
              {isAtLeast(role, 'MANAGER') ? t('secret_unknown') : t('secret_unknown_user')}
            </Text>
            {isAtLeast(role, 'MANAGER') && (
              <Button size="xs" variant="default" onClick={() => newSecret()}>
                {words('rotate')}
              </Button>
            )}
          </Group>
        </Alert>
      )}
      {mqtt.port !== null && tlsPort !== null && (
        <Switch label={t('tls')} checked={tls} onChange={(event) => setTls(event.currentTarget.checked)} />
      )}
      {/^(127\.|localhost$|::1$)/.test(mqtt.host) && (
        <Text size="sm" c="dimmed">
          {t('this_machine', { host: mqtt.host })}
        </Text>
      )}
      <Tabs defaultValue="mosquitto" keepMounted={false} variant="outline">
        <ScrollArea type="never">
          <Tabs.List aria-label={t('kinds')} style={{ flexWrap: 'nowrap' }}>
            {snippetsFor(target).map(({ key, title }) => (
              <Tabs.Tab key={key} value={key}>
                {title}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </ScrollArea>
        {snippetsFor(target).map(({ key, title, text }) => (
          <Tabs.Panel key={key} value={key} pt="sm">
            <CopyBlock text={text} what={t('snippet', { name: title })} />
            {key === 'home_assistant' && (
              <Stack gap="xs" mt="sm">
                <Text size="sm">{t('discovery_text')}</Text>
                <CopyBlock text={discovery.topic} what={t('discovery_topic')} />
                <CopyBlock text={discovery.text} what={t('discovery_payload')} />
              </Stack>
            )}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
