import { Alert, Anchor, Button, Divider, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import { Failure, Splash } from '#console/components/states.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { enter, leaveFor, readArrival, redeem, ticketOf } from './arrival.ts';
import { COOKIE_HEADER } from './session.ts';
import { Frame, StepForm } from './sign-in.frame.tsx';
import { signInTexts } from './sign-in.texts.ts';

type Setup = components['schemas']['SetupState'];
type Provider = components['schemas']['OauthProvider'];
type Step = 'password' | 'code' | 'forgot' | 'register';

const header = { params: { header: COOKIE_HEADER } };

/** The way in: what the installation offers, step by step. */
export function SignInPage() {
  const [arrival] = useState(readArrival);
  const [step, setStep] = useState<Step>('password');
  const [ticket, setTicket] = useState<string | null>(null);
  const [ways, setWays] = useState<Ways | null>(null);
  const [failure, setFailure] = useState<unknown>(null);

  /** Goes on to the code when that is all that is missing. @throws everything else */
  const orCode = async (attempt: () => Promise<void>) => {
    try {
      await attempt();
    } catch (error) {
      const found = ticketOf(error);
      if (found === null) throw error;
      setTicket(found);
      setStep('code');
    }
  };
  const [redeemed, setRedeemed] = useState(arrival.code === null);
  useEffect(() => {
    if (arrival.code !== null) {
      void orCode(() => redeem(arrival))
        .catch(setFailure)
        .finally(() => setRedeemed(true));
    }
    const load = () => loadWays().then(setWays, () => setTimeout(load, 2_000));
    void load();
  }, []);

  if (ways === null || !redeemed) return <Splash />;
  if (ways.setup.needed) return <FirstUser />;
  const back = () => setStep('password');
  if (step === 'code' && ticket !== null) return <SecondFactor ticket={ticket} onBack={back} />;
  if (step === 'forgot') return <Forgot onBack={back} />;
  if (step === 'register') return <Register onBack={back} />;
  return (
    <Password
      ways={ways}
      failure={failure}
      oauthError={arrival.error}
      onStep={setStep}
      send={(body) => orCode(async () => enter(await client.POST('/api/v1/auth/login', { ...header, body })))}
    />
  );
}

interface Ways {
  readonly setup: Setup;
  readonly providers: readonly Provider[];
}

async function loadWays(): Promise<Ways> {
  const [setup, providers] = await Promise.all([client.GET('/api/v1/system/setup'), client.GET('/api/v1/auth/oauth')]);
  if (setup.data === undefined) throw setup.error;
  return { setup: setup.data, providers: providers.data?.items ?? [] };
}

function Password({ ways, failure, oauthError, onStep, send }: PasswordProps) {
  const t = useTexts(signInTexts);
  return (
    <Frame title={t('title')}>
      {failure !== null && <Failure error={failure} />}
      {oauthError !== null && (
        <Alert color="red" variant="outline" role="alert">
          {t('oauth_failed', { code: oauthError })}
        </Alert>
      )}
      <StepForm keys={['email', 'password']} submitLabel={t('sign_in')} send={send}>
        {(props) => (
          <>
            <Email autoFocus props={props('email')} />
            <PasswordInput label={t('password')} autoComplete="current-password" required {...props('password')} />
          </>
        )}
      </StepForm>
      <Group justify="space-between">
        {ways.setup.sends_email && (
          <Anchor component="button" type="button" size="sm" onClick={() => onStep('forgot')}>
            {t('forgot')}
          </Anchor>
        )}
        {ways.setup.registration_open && (
          <Anchor component="button" type="button" size="sm" onClick={() => onStep('register')}>
            {t('register')}
          </Anchor>
        )}
      </Group>
      {ways.providers.length > 0 && (
        <Stack gap="xs">
          <Divider label={t('or')} />
          {ways.providers.map(({ provider, label, url }) => (
            <Button key={provider} variant="default" onClick={() => void leaveFor(url)}>
              {t('with', { provider: label })}
            </Button>
          ))}
        </Stack>
      )}
    </Frame>
  );
}

interface PasswordProps {
  readonly ways: Ways;
  readonly failure: unknown;
  /** Code of the problem that a provider's answer led to. */
  readonly oauthError: string | null;
  readonly onStep: (step: Step) => void;
  readonly send: (values: { readonly email: string; readonly password: string }) => Promise<void>;
}

function Email({ props, autoFocus = false }: { readonly props: object; readonly autoFocus?: boolean }) {
  const t = useTexts(signInTexts);
  return (
    <TextInput label={t('email')} type="email" autoComplete="username" required autoFocus={autoFocus} {...props} />
  );
}

function Back({ onBack }: { readonly onBack: () => void }) {
  const t = useTexts(signInTexts);
  return (
    <Anchor component="button" type="button" size="sm" onClick={onBack}>
      {t('back')}
    </Anchor>
  );
}

function SecondFactor({ ticket, onBack }: { readonly ticket: string; readonly onBack: () => void }) {
  const t = useTexts(signInTexts);
  return (
    <Frame title={t('code_title')} text={t('code_text')}>
      <StepForm
        keys={['code']}
        submitLabel={t('sign_in')}
        send={async ({ code }) =>
          enter(await client.POST('/api/v1/auth/login/2fa', { ...header, body: { ticket, code: code.trim() } }))
        }
      >
        {(props) => (
          <TextInput
            label={t('code')}
            autoComplete="one-time-code"
            maxLength={32}
            required
            autoFocus
            {...props('code')}
          />
        )}
      </StepForm>
      <Back onBack={onBack} />
    </Frame>
  );
}

function Forgot({ onBack }: { readonly onBack: () => void }) {
  const t = useTexts(signInTexts);
  const [isSent, setSent] = useState(false);
  return (
    <Frame title={t('forgot_title')} text={t('forgot_text')}>
      {isSent ? (
        <Alert color="teal" variant="outline" role="status">
          {t('forgot_done')}
        </Alert>
      ) : (
        <StepForm
          keys={['email']}
          submitLabel={t('forgot_send')}
          send={async (body) => {
            const { error } = await client.POST('/api/v1/auth/password/forgot', { body });
            if (error !== undefined) throw error;
            setSent(true);
          }}
        >
          {(props) => <Email autoFocus props={props('email')} />}
        </StepForm>
      )}
      <Back onBack={onBack} />
    </Frame>
  );
}

/** Name, address and password of somebody new. */
function NewUser({ props }: { readonly props: (key: 'full_name' | 'email' | 'password') => object }) {
  const t = useTexts(signInTexts);
  return (
    <>
      <TextInput label={t('full_name')} autoComplete="name" maxLength={200} {...props('full_name')} />
      <Email props={props('email')} />
      <PasswordInput
        label={t('password')}
        description={t('password_hint')}
        autoComplete="new-password"
        minLength={8}
        maxLength={128}
        required
        {...props('password')}
      />
    </>
  );
}

/** An empty name is none. */
const named = <Values extends { readonly full_name: string }>({ full_name, ...rest }: Values) => ({
  ...rest,
  ...(full_name.trim() === '' ? {} : { full_name: full_name.trim() }),
});

function Register({ onBack }: { readonly onBack: () => void }) {
  const t = useTexts(signInTexts);
  return (
    <Frame title={t('register_title')}>
      <StepForm
        keys={['full_name', 'email', 'password']}
        submitLabel={t('register')}
        send={async (values) => enter(await client.POST('/api/v1/auth/register', { ...header, body: named(values) }))}
      >
        {(props) => <NewUser props={props} />}
      </StepForm>
      <Back onBack={onBack} />
    </Frame>
  );
}

function FirstUser() {
  const t = useTexts(signInTexts);
  return (
    <Frame title={t('setup_title')} text={t('setup_text')}>
      <StepForm
        keys={['code', 'full_name', 'email', 'password']}
        submitLabel={t('setup')}
        send={async (values) => enter(await client.POST('/api/v1/system/setup', { ...header, body: named(values) }))}
      >
        {(props) => (
          <>
            <TextInput
              label={t('setup_code')}
              placeholder="MFRG-GZDF-MZTW-Q2LK"
              autoComplete="off"
              required
              autoFocus
              {...props('code')}
            />
            <NewUser props={props} />
          </>
        )}
      </StepForm>
    </Frame>
  );
}
