import { SimpleGrid, Stack } from '@mantine/core';
import { PageHeader } from '#console/components/page-header.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { accountTexts } from './account.texts.ts';
import { Password, Profile } from './profile.tsx';
import { Providers } from './providers.tsx';
import { SecondFactor } from './second-factor.tsx';
import { Sessions } from './sessions.tsx';
import { Tokens } from './tokens.tsx';

/** What somebody keeps about themselves, and the ways in that they have. */
export function AccountPage() {
  const t = useTexts(accountTexts);
  return (
    <>
      <PageHeader title={t('title')} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Stack>
          <Profile />
          <Password />
        </Stack>
        <Stack>
          <SecondFactor />
          <Sessions />
          <Providers />
        </Stack>
      </SimpleGrid>
      <Tokens />
    </>
  );
}
