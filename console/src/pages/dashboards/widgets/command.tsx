import { Button, Center, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { objectOf } from '#console/components/json-object.ts';
import { failed, succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { type Device, mayControl } from '#console/pages/device/device.data.ts';
import { useUser } from '#console/session/session.ts';
import type { Options } from '../dashboard.data.ts';
import { dashboardTexts } from '../dashboards.texts.ts';
import { Note, WithDevice } from './source.tsx';

export function CommandWidget({ options }: { readonly options: Options }) {
  return <WithDevice source={options.sources[0]}>{(device) => <Send options={options} device={device} />}</WithDevice>;
}

/** A button that asks before it sends. */
function Send({ options, device }: { readonly options: Options; readonly device: Device }) {
  const t = useTexts(dashboardTexts);
  const words = useTexts(common);
  const user = useUser();
  const { command } = options;
  if (!mayControl(user, device)) return <Note>{t('may_not')}</Note>;
  const send = async () => {
    const { error } = await client
      .POST('/api/v1/devices/{device_id}/commands', {
        params: { path: { device_id: device.id } },
        body: {
          command,
          params: objectOf(options.params) ?? {},
          deliver: 'queue',
          ttl_seconds: 3_600,
          wait_seconds: 0,
        },
      })
      .catch((failure: unknown) => ({ error: failure }));
    error === undefined ? succeeded(t('sent')) : failed(error);
  };
  const ask = () =>
    modals.openConfirmModal({
      title: t('ask', { command, device: device.name }),
      children: options.params.trim() !== '' && <Text size="sm">{options.params}</Text>,
      labels: { confirm: t('send', { command }), cancel: words('cancel') },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: () => void send(),
    });
  return (
    <Center h="100%">
      <Button onClick={ask} disabled={command === ''} maw="100%">
        {t('send', { command })}
      </Button>
    </Center>
  );
}
