import {
  Alert,
  Anchor,
  AppShell,
  Box,
  Burger,
  Button,
  Group,
  Image,
  NavLink,
  ScrollArea,
  Text,
  UnstyledButton,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCloudOff, IconSearch } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useReachable } from '#console/api/reachable.ts';
import { NotFound } from '#console/components/not-found.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { useUser } from '#console/session/session.ts';
import { BASE } from './base.ts';
import { mayOpen, navigationTexts, placesOf } from './navigation.ts';
import { NotificationBell } from './notification-bell.tsx';
import { CommandPalette, openPalette } from './palette.tsx';
import { shellTexts } from './shell.texts.ts';
import { UserMenu } from './user-menu.tsx';

/** What is around every page. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const t = useTexts(shellTexts);
  const [opened, { toggle, close }] = useDisclosure();
  const reachable = useReachable();
  const { role } = useUser();
  const { pathname, search } = useLocation();
  const content = useRef<HTMLDivElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    if (pathname === before.current) return;
    before.current = pathname;
    // On a phone, whoever has chosen a page wants to see it; and the keys go on from its beginning.
    close();
    content.current?.focus({ preventScroll: true });
  }, [pathname, close]);

  const page = (
    <>
      {!reachable && (
        <Alert color="orange" variant="outline" icon={<IconCloudOff />} mb="md" role="status">
          {t('reconnecting')}
        </Alert>
      )}
      <div ref={content} tabIndex={-1} data-content data-stale={!reachable}>
        {mayOpen(role, pathname) ? children : <NotFound />}
      </div>
    </>
  );
  // A screen on a wall shows a page and nothing around it.
  if ('wall' in search) {
    return (
      <Box component="main" p="sm">
        {page}
      </Box>
    );
  }
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <AppShell.Header>
        <Button data-skip size="xs" pos="absolute" top={12} left={12} onClick={() => content.current?.focus()}>
          {t('skip')}
        </Button>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group wrap="nowrap" gap="sm">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('open_navigation')} />
            <Anchor component={Link} to="/" underline="never" c="inherit" aria-label="core-api">
              <Group gap="xs" wrap="nowrap">
                <Image src={`${BASE}/admin/favicon.svg`} alt="" w={28} h={28} />
                <Text fw={700} visibleFrom="xs">
                  core-api
                </Text>
              </Group>
            </Anchor>
          </Group>
          <UnstyledButton
            onClick={openPalette}
            aria-label={t('search')}
            bd="1px solid var(--mantine-color-default-border)"
            bdrs="md"
            px="sm"
            py={5}
            w={{ base: 'auto', sm: 320 }}
          >
            <Group gap="xs" wrap="nowrap" c="dimmed">
              <IconSearch size={16} />
              <Text size="sm" visibleFrom="sm" flex={1}>
                {t('search')}
              </Text>
              <Text size="xs" visibleFrom="sm">
                Ctrl K
              </Text>
            </Group>
          </UnstyledButton>
          <Group gap="xs" wrap="nowrap">
            <NotificationBell />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t('navigation')}>
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main>{page}</AppShell.Main>
      <CommandPalette />
    </AppShell>
  );
}

function Navigation() {
  const t = useTexts(navigationTexts);
  const { role } = useUser();
  const { pathname } = useLocation();
  const places = placesOf(role);
  const sections = ['watch', 'fleet', 'operate'] as const;
  return (
    <ScrollArea p="xs" type="never">
      {sections.map((section) => {
        const inSection = places.filter((place) => place.section === section);
        if (inSection.length === 0) return null;
        return (
          <div key={section}>
            <Text size="xs" tt="uppercase" c="dimmed" fw={600} px="sm" pt="sm" pb={4}>
              {t(section)}
            </Text>
            {inSection.map(({ to, text, icon: Icon }) => (
              <NavLink
                key={to}
                component={Link}
                to={to}
                label={t(text)}
                leftSection={<Icon size={18} stroke={1.6} />}
                active={to === '/' ? pathname === '/' : pathname === to || pathname.startsWith(`${to}/`)}
                bdrs="md"
                py={6}
              />
            ))}
          </div>
        );
      })}
    </ScrollArea>
  );
}
