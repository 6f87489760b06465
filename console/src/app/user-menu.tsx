import { ActionIcon, Avatar, Box, Menu, SegmentedControl, Text, useMantineColorScheme } from '@mantine/core';
import { IconLogout, IconUser } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { client } from '#console/api/client.ts';
import { closeLive } from '#console/api/live.ts';
import { LanguageMenu } from '#console/components/language-menu.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { COOKIE_HEADER, end, useUser } from '#console/session/session.ts';
import { shellTexts } from './shell.texts.ts';

/** Ends the session of this browser; those of others go on. */
async function leave(): Promise<void> {
  const { data } = await client.GET('/api/v1/auth/sessions');
  const session_id = data?.items.find(({ current }) => current)?.id;
  if (session_id === undefined) return;
  await client.DELETE('/api/v1/auth/sessions/{session_id}', {
    params: { path: { session_id }, header: COOKIE_HEADER },
  });
}

async function signOut(): Promise<void> {
  // Whoever wants to go is let go, also when the server cannot be told.
  await leave().catch(() => undefined);
  closeLive();
  end();
}

export function UserMenu() {
  const t = useTexts(shellTexts);
  const { valueText } = useApiWords();
  const user = useUser();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={260} withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" size="lg" radius="xl" aria-label={t('account')}>
          <Avatar name={user.full_name ?? user.email} color="petrol" variant="filled" size={32} alt="" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Box px="sm" py="xs">
          <Text fw={600} size="sm" lineClamp={1} data-text>
            {user.full_name ?? user.email}
          </Text>
          <Text size="xs" c="dimmed" lineClamp={1}>
            {user.email} · {valueText('role', user.role)}
          </Text>
        </Box>
        <Menu.Divider />
        <Box px="sm" py={6}>
          <SegmentedControl
            size="xs"
            fullWidth
            aria-label={t('appearance')}
            value={colorScheme}
            onChange={(next) => setColorScheme(next as 'light' | 'dark' | 'auto')}
            data={[
              { value: 'light', label: t('light') },
              { value: 'dark', label: t('dark') },
              { value: 'auto', label: t('system') },
            ]}
          />
        </Box>
        <Box px="sm" py={6}>
          <LanguageMenu />
        </Box>
        <Menu.Divider />
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} />}>
          {t('account')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          {t('sign_out')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
