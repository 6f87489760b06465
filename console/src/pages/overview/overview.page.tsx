import { Button, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { navigationTexts } from '#console/app/navigation.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { RegisterDevice } from '#console/pages/devices/register-device.tsx';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { AlertsPanel } from './alerts-panel.tsx';
import { FleetPanel, useDeviceCount } from './fleet-panel.tsx';
import { CampaignsPanel, HealthPanel, QueuesPanel, StoragePanel } from './operation-panels.tsx';
import { useTraffic } from './overview.data.ts';
import { overviewTexts } from './overview.texts.ts';
import { TrafficPanel } from './traffic-panel.tsx';

/** How the installation is, as far as the role may see it. */
export function OverviewPage() {
  const places = useTexts(navigationTexts);
  const { role } = useUser();
  const traffic = useTraffic();
  const isManager = isAtLeast(role, 'MANAGER');
  return (
    <>
      <PageHeader title={places('overview')} />
      <Stack>
        <FirstSteps />
        <FleetPanel />
        <SimpleGrid cols={{ base: 1, lg: isManager ? 2 : 1 }}>
          {isManager && <TrafficPanel traffic={traffic} />}
          <AlertsPanel />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, sm: 2, xl: isAtLeast(role, 'SUPERADMIN') ? 4 : 3 }}>
          {isManager && <CampaignsPanel />}
          {isManager && <HealthPanel />}
          {isAtLeast(role, 'ADMIN') && <QueuesPanel />}
          {isAtLeast(role, 'SUPERADMIN') && <StoragePanel totals={traffic.data} rates={traffic.rates} />}
        </SimpleGrid>
      </Stack>
    </>
  );
}

/** What to do while there is no device. */
function FirstSteps() {
  const t = useTexts(overviewTexts);
  const mayRegister = isAtLeast(useUser().role, 'MANAGER');
  const { data } = useDeviceCount();
  const [opened, { open, close }] = useDisclosure();
  if (data === undefined || data.total > 0) return null;
  return (
    <Paper withBorder p="lg" component="section">
      <Stack align="flex-start" gap="xs" maw={640}>
        <Title order={2} size="h4">
          {t('first_title')}
        </Title>
        <Text>{t(mayRegister ? 'first_text' : 'first_text_user')}</Text>
        {mayRegister && (
          <Button leftSection={<IconPlus size={16} />} onClick={open} mt="xs">
            {t('register')}
          </Button>
        )}
      </Stack>
      {mayRegister && <RegisterDevice opened={opened} onClose={close} />}
    </Paper>
  );
}
