import { Alert, Anchor, PasswordInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { closeLive } from '#console/api/live.ts';
import { common } from '#console/app/common.texts.ts';
import { failed, succeeded } from '#console/components/toast.ts';
import { useSay } from '#console/components/undo.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { changeUser, end, useUser } from '#console/session/session.ts';
import { StepForm } from '#console/session/sign-in.frame.tsx';
import { accountTexts } from './account.texts.ts';
import { Section } from './section.tsx';

const KEYS = ['full_name', 'phone', 'organization', 'avatar_url'] as const;

export function Profile() {
  const t = useTexts(accountTexts);
  const words = useTexts(common);
  const { valueText } = useApiWords();
  const user = useUser();
  const say = useSay();
  const [undone, setUndone] = useState(0);
  const resend = api.useMutation('post', '/api/v1/auth/verify-email/resend', {
    onSuccess: () => succeeded(t('resent')),
    onError: failed,
  });
  const put = async (body: Partial<Record<(typeof KEYS)[number], string | null>>) => {
    const answer = await client.PATCH('/api/v1/users/me', { body });
    if (answer.data !== undefined) changeUser(answer.data);
    return answer;
  };
  return (
    <Section title={t('profile')} text={`${user.email} · ${valueText('role', user.role)}`}>
      {!user.is_verified && (
        <Text size="sm">
          {t('not_verified')}{' '}
          <Anchor component="button" type="button" inherit onClick={() => resend.mutate({})}>
            {t('resend')}
          </Anchor>
        </Text>
      )}
      <StepForm
        key={undone}
        keys={KEYS}
        initial={Object.fromEntries(KEYS.map((key) => [key, user[key] ?? ''])) as Record<(typeof KEYS)[number], string>}
        submitLabel={words('save')}
        send={async (values) => {
          // Empty is none.
          const body = Object.fromEntries(KEYS.map((key) => [key, values[key].trim() || null]));
          const before = Object.fromEntries(KEYS.map((key) => [key, user[key]]));
          const { error } = await put(body);
          if (error !== undefined) throw error;
          say(t('saved'), async () => {
            const answer = await put(before);
            setUndone((count) => count + 1);
            return answer;
          });
        }}
      >
        {(props) => (
          <>
            <TextInput label={t('full_name')} autoComplete="name" {...props('full_name')} />
            <TextInput label={t('phone')} autoComplete="tel" {...props('phone')} />
            <TextInput label={t('organization')} autoComplete="organization" {...props('organization')} />
            <TextInput label={t('avatar_url')} type="url" {...props('avatar_url')} />
          </>
        )}
      </StepForm>
    </Section>
  );
}

export function Password() {
  const t = useTexts(accountTexts);
  const { email } = useUser();
  const [attempts, setAttempts] = useState(0);
  return (
    <Section title={t('password')}>
      <Alert variant="outline" color="gray">
        {t('password_text')}
      </Alert>
      <StepForm
        key={attempts}
        keys={['current_password', 'new_password']}
        submitLabel={t('change_password')}
        send={async (body) => {
          const { error } = await client.POST('/api/v1/users/me/password', { body });
          if (error !== undefined) throw error;
          succeeded(t('password_changed'));
          setAttempts((count) => count + 1);
          closeLive();
          end();
        }}
      >
        {(props) => (
          <>
            {/* Password managers want to know whose it is. */}
            <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
            <PasswordInput
              label={t('current_password')}
              autoComplete="current-password"
              required
              {...props('current_password')}
            />
            <PasswordInput
              label={t('new_password')}
              description={t('password_hint')}
              autoComplete="new-password"
              minLength={8}
              maxLength={128}
              required
              {...props('new_password')}
            />
          </>
        )}
      </StepForm>
    </Section>
  );
}
