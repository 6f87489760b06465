import { Button, Card, Center, Group, Image, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { client } from '#console/api/client.ts';
import { BASE } from '#console/app/base.ts';
import { LanguageMenu } from '#console/components/language-menu.tsx';
import { Failure } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { begin } from './session.ts';
import { signInTexts } from './sign-in.texts.ts';

export function SignInPage() {
  const t = useTexts(signInTexts);
  const [error, setError] = useState<unknown>(null);
  const form = useForm({ mode: 'uncontrolled', initialValues: { email: '', password: '' } });
  const [busy, setBusy] = useState(false);

  const submit = form.onSubmit(async (body) => {
    setBusy(true);
    try {
      const answer = await client.POST('/api/v1/auth/login', { body });
      setError(answer.error ?? null);
      if (answer.data !== undefined) await begin(answer.data);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  });

  return (
    <Center mih="100vh" component="main" p="md">
      <Card withBorder shadow="sm" padding="xl" w={400} maw="100%">
        <form onSubmit={submit}>
          <Stack>
            <Group>
              <Image src={`${BASE}/admin/favicon.svg`} alt="" w={40} h={40} />
              <Title order={1} size="h3">
                {t('title')}
              </Title>
            </Group>
            {error !== null && <Failure error={error} />}
            <TextInput
              label={t('email')}
              type="email"
              autoComplete="username"
              required
              autoFocus
              {...form.getInputProps('email')}
            />
            <PasswordInput
              label={t('password')}
              autoComplete="current-password"
              required
              {...form.getInputProps('password')}
            />
            <Button type="submit" loading={busy}>
              {t('sign_in')}
            </Button>
            <LanguageMenu />
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
