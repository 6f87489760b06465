import { Alert, Button, Group, NumberInput, ScrollArea, Stack, Switch, Tabs, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { BASE } from '#console/app/base.ts';
import { CopyBlock } from '#console/components/copy.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { type Device, useSecret } from '../device.data.ts';
import { deviceTexts } from '../device.texts.ts';
import { useNewSecret } from '../device-actions.tsx';
import { firstStepsTexts } from './first-steps.texts.ts';
import { discoveryFor, snippetsFor } from './snippets.ts';

const PORT = 1883;
const TLS_PORT = 8883;

/** How this device sends here, ready to be copied. */
export function Snippets({ device }: { readonly device: Device }) {
  const t = useTexts(firstStepsTexts);
  const words = useTexts(deviceTexts);
  const { role } = useUser();
  const secret = useSecret(device.id);
  const newSecret = useNewSecret(device);
  const [host, setHost] = useState(location.hostname);
  const [mqttPort, setPort] = useState<number | string>(PORT);
  const [tls, setTls] = useState(false);
  const target = {
    host,
    mqttPort: Number(mqttPort) || PORT,
    tls,
    api: `${location.protocol}//${host}${location.port === '' ? '' : `:${location.port}`}${BASE}/api/v1`,
    uid: device.device_uid,
    secret: secret ?? t('placeholder'),
  };
  const discovery = discoveryFor(target, device.name);
  const changeTls = (next: boolean) => {
    setTls(next);
    if (mqttPort === (next ? PORT : TLS_PORT)) setPort(next ? TLS_PORT : PORT);
  };
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
      <Group align="flex-start">
        <TextInput
          label={t('host')}
          value={host}
          onChange={(event) => setHost(event.currentTarget.value)}
          flex={1}
          miw={180}
        />
        <NumberInput
          label={t('port')}
          description={t('port_hint')}
          inputWrapperOrder={['label', 'input', 'description']}
          value={mqttPort}
          onChange={setPort}
          min={1}
          max={65_535}
          thousandSeparator={false}
          w={220}
        />
        <Switch label={t('tls')} checked={tls} onChange={(event) => changeTls(event.currentTarget.checked)} mt={32} />
      </Group>
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
