import { Button, Group, Menu, Modal, SimpleGrid, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { modals } from '@mantine/modals';
import { IconDots, IconKey, IconPencil, IconPlugConnectedX, IconTool, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { CopyBlock } from '#console/components/copy.tsx';
import { failed } from '#console/components/toast.ts';
import { useAct } from '#console/components/undo.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { type Device, keepSecret, useSecret } from './device.data.ts';
import { deviceTexts } from './device.texts.ts';
import { EditDevice } from './edit-device.tsx';

/** Asks before something that cuts a device off. @returns a function that asks */
function useConfirm() {
  const words = useTexts(common);
  return (title: string, text: string, label: string, go: () => void) =>
    modals.openConfirmModal({
      title,
      children: <Text size="sm">{text}</Text>,
      labels: { confirm: label, cancel: words('cancel') },
      confirmProps: { color: 'red.9' },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: go,
    });
}

/** Asks, makes a new secret, and keeps it so that this page can show it. */
export function useNewSecret(device: Device): (onMade?: () => void) => void {
  const t = useTexts(deviceTexts);
  const confirm = useConfirm();
  const cache = useQueryClient();
  return (onMade) =>
    confirm(t('rotate_title', { name: device.name }), t('rotate_text'), t('rotate'), async () => {
      const params = { path: { device_id: device.id } };
      const { data, error } = await client.POST('/api/v1/devices/{device_id}/credentials', { params });
      if (error !== undefined) return failed(error);
      keepSecret(cache, device.id, data.credentials.password);
      onMade?.();
    });
}

/** What may be done to a device. What a role may not do is not there. */
export function DeviceActions({ device }: { readonly device: Device }) {
  const t = useTexts(deviceTexts);
  const { role } = useUser();
  const act = useAct();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const [isEditing, editing] = useDisclosure();
  const [isShowing, showing] = useDisclosure();
  const newSecret = useNewSecret(device);
  if (!isAtLeast(role, 'MANAGER')) return null;

  const { name, status } = device;
  const params = { path: { device_id: device.id } };
  const disconnect = () =>
    confirm(t('disconnect_title', { name }), t('disconnect_text'), t('disconnect'), async () => {
      await act(t('disconnected'), () => client.POST('/api/v1/devices/{device_id}/disconnect', { params }));
    });
  const remove = () =>
    confirm(t('delete_title', { name }), t('delete_text'), t('delete'), async () => {
      const remove = () => client.DELETE('/api/v1/devices/{device_id}', { params });
      if (await act(t('deleted', { name }), remove)) await navigate({ to: '/devices' as string });
    });
  const isHeld = status === 'MAINTENANCE';
  // To end it, any other status does: the measured one counts again.
  const hold = (holds: boolean) =>
    client.PATCH('/api/v1/devices/{device_id}', { params, body: { status: holds ? 'MAINTENANCE' : 'ONLINE' } });
  const toggleMaintenance = () =>
    act(isHeld ? t('maintenance_ended') : t('maintenance_begun'), async () => {
      const { error } = await hold(!isHeld);
      return { error, undo: () => hold(isHeld) };
    });
  return (
    <Group gap="xs">
      <Button variant="default" leftSection={<IconPencil size={16} />} onClick={editing.open}>
        {t('edit')}
      </Button>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" leftSection={<IconDots size={16} />}>
            {t('actions')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconKey size={16} />} onClick={() => newSecret(showing.open)}>
            {t('rotate')}
          </Menu.Item>
          <Menu.Item leftSection={<IconTool size={16} />} onClick={() => void toggleMaintenance()}>
            {isHeld ? t('maintenance_off') : t('maintenance_on')}
          </Menu.Item>
          <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={disconnect}>
            {t('disconnect')}
          </Menu.Item>
          {isAtLeast(role, 'ADMIN') && (
            <>
              <Menu.Divider />
              <Menu.Item c="var(--mantine-color-error)" leftSection={<IconTrash size={16} />} onClick={remove}>
                {t('delete')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <EditDevice device={device} opened={isEditing} onClose={editing.close} />
      <SecretModal device={device} opened={isShowing} onClose={showing.close} />
    </Group>
  );
}

/** The user name and secret of a device, for as long as this page knows it. */
export function Credentials({ device }: { readonly device: Device }) {
  const t = useTexts(deviceTexts);
  const secret = useSecret(device.id);
  if (secret === undefined) return null;
  return (
    <Stack gap="xs">
      <Text size="sm">{t('secret_text')}</Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {[
          { label: t('username'), value: device.device_uid },
          { label: t('secret'), value: secret },
        ].map(({ label, value }) => (
          <div key={label}>
            <Text size="sm" fw={600} mb={4}>
              {label}
            </Text>
            <CopyBlock text={value} what={label} wraps />
          </div>
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function SecretModal({ device, opened, onClose }: SecretModalProps) {
  const t = useTexts(deviceTexts);
  const words = useTexts(common);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('secret_title', { name: device.name })}
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      <Credentials device={device} />
      <Group justify="flex-end" mt="md">
        <Button onClick={onClose}>{words('close')}</Button>
      </Group>
    </Modal>
  );
}

interface SecretModalProps {
  readonly device: Device;
  readonly opened: boolean;
  readonly onClose: () => void;
}
