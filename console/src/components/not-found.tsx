import { Button, Center, Stack, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';

export function NotFound() {
  const t = useTexts(common);
  return (
    <Center mih="60vh">
      <Stack align="center">
        <Title order={1} size="h3">
          {t('not_found')}
        </Title>
        <Button component={Link} to="/" variant="default">
          {t('back')}
        </Button>
      </Stack>
    </Center>
  );
}
