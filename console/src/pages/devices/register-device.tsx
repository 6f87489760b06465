import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { client } from '#console/api/client.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { keepSecret } from '#console/pages/device/device.data.ts';
import { RecordForm } from '#console/records/record-form.tsx';
import { devicesTexts } from './devices.texts.ts';

export function RegisterDevice({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const t = useTexts(devicesTexts);
  const navigate = useNavigate();
  const cache = useQueryClient();
  return (
    <RecordForm
      title={t('register')}
      submitLabel={t('register')}
      opened={opened}
      onClose={onClose}
      fields={[
        { key: 'name', label: t('name'), kind: 'text', required: true },
        { key: 'device_type', label: t('type'), kind: 'text', required: true, placeholder: 'thermometer' },
        { key: 'device_uid', label: t('uid'), kind: 'text', description: t('uid_hint'), placeholder: 'greenhouse-07' },
        { key: 'group_id', label: t('group'), kind: 'group' },
        { key: 'owner_id', label: t('owner'), kind: 'person', description: t('owner_hint') },
        { key: 'metadata', label: t('metadata'), kind: 'json' },
      ]}
      submit={async (body) => {
        const answer = await client.POST('/api/v1/devices', { body: body as never });
        if (answer.data !== undefined) {
          const { id, credentials } = answer.data;
          keepSecret(cache, id, credentials.password);
          await navigate({ to: `/devices/${id}` as string });
        }
        return answer;
      }}
    />
  );
}
