import { Alert, Button, Group, Modal, Stack } from '@mantine/core';
import { common } from '#console/app/common.texts.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { CopyBlock } from './copy.tsx';

const texts = defineTexts({
  en: { once: 'This is shown once. Keep it now: nobody can read it later.' },
  ko: { once: '지금 한 번만 표시됩니다. 나중에는 아무도 다시 볼 수 없으니 지금 보관하세요.' },
});

/** Something that the API shows once, such as a token. */
export function SecretOnce({ title, secret, onClose }: SecretOnceProps) {
  const t = useTexts(texts);
  const words = useTexts(common);
  return (
    <Modal
      opened={secret !== null}
      onClose={onClose}
      title={title}
      size="lg"
      closeButtonProps={{ 'aria-label': words('close') }}
    >
      <Stack>
        <Alert color="orange" variant="outline">
          {t('once')}
        </Alert>
        <CopyBlock text={secret ?? ''} what={title} wraps />
        <Group justify="flex-end">
          <Button onClick={onClose}>{words('close')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface SecretOnceProps {
  readonly title: string;
  /** Null: nothing to show. */
  readonly secret: string | null;
  readonly onClose: () => void;
}
