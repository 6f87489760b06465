import { Badge, Button, Code, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { common } from '#console/app/common.texts.ts';
import { SecretOnce } from '#console/components/secret-once.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { changeUser, useUser } from '#console/session/session.ts';
import { StepForm } from '#console/session/sign-in.frame.tsx';
import { accountTexts } from './account.texts.ts';
import { QrCode } from './qr-code.tsx';
import { Section } from './section.tsx';

type Enrolment = components['schemas']['SecondFactorEnrolment'];

export function SecondFactor() {
  const t = useTexts(accountTexts);
  const words = useTexts(common);
  const user = useUser();
  const isOn = user.two_factor_enabled;
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const enrol = api.useMutation('post', '/api/v1/auth/2fa/totp', { onSuccess: setEnrolment, onError: failed });
  const turned = (two_factor_enabled: boolean) => changeUser({ ...user, two_factor_enabled });
  const close = { closeButtonProps: { 'aria-label': words('close') } };
  return (
    <Section
      title={t('factor')}
      text={t('factor_text')}
      aside={<Badge color={isOn ? 'teal.9' : 'gray.7'}>{t(isOn ? 'factor_on' : 'factor_off')}</Badge>}
    >
      <Group>
        {isOn ? (
          <Button variant="default" onClick={() => setRemoving(true)}>
            {t('factor_disable')}
          </Button>
        ) : (
          <Button loading={enrol.isPending} onClick={() => enrol.mutate({})}>
            {t('factor_enable')}
          </Button>
        )}
      </Group>
      <Modal opened={enrolment !== null} onClose={() => setEnrolment(null)} title={t('factor')} {...close}>
        {enrolment && (
          <Stack>
            <Text size="sm">{t('factor_scan')}</Text>
            <Group justify="center">
              <QrCode text={enrolment.otpauth_url} label={t('factor_qr')} />
            </Group>
            <div>
              <Text size="sm" fw={500}>
                {t('factor_key')}
              </Text>
              <Code block style={{ whiteSpace: 'pre-wrap' }}>
                {enrolment.secret}
              </Code>
            </div>
            <StepForm
              keys={['code']}
              submitLabel={t('confirm')}
              send={async ({ code }) => {
                const { data, error } = await client.POST('/api/v1/auth/2fa/totp/confirm', {
                  body: { code: code.trim() },
                });
                if (error !== undefined) throw error;
                turned(true);
                setEnrolment(null);
                setCodes(data.recovery_codes);
              }}
            >
              {(props) => (
                <TextInput
                  label={t('code')}
                  autoComplete="one-time-code"
                  inputMode="numeric"
                  required
                  {...props('code')}
                />
              )}
            </StepForm>
          </Stack>
        )}
      </Modal>
      <Modal opened={isRemoving} onClose={() => setRemoving(false)} title={t('factor_disable')} {...close}>
        <StepForm
          keys={['password']}
          submitLabel={t('factor_disable')}
          send={async (body) => {
            const { error } = await client.DELETE('/api/v1/auth/2fa/totp', { body });
            if (error !== undefined) throw error;
            turned(false);
            setRemoving(false);
            succeeded(t('factor_disabled'));
          }}
        >
          {(props) => (
            <PasswordInput
              label={t('factor_password')}
              autoComplete="current-password"
              required
              {...props('password')}
            />
          )}
        </StepForm>
      </Modal>
      <SecretOnce title={t('recovery')} secret={codes?.join('\n') ?? null} onClose={() => setCodes(null)} />
    </Section>
  );
}
