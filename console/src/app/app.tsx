import { MantineProvider, mergeThemeOverrides } from '@mantine/core';
import { type ComponentType, type ReactNode, useEffect, useMemo, useState } from 'react';
import { Splash } from '#console/components/states.tsx';
import { LanguageProvider } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { refresh, useSession } from '#console/session/session.ts';
import { SignInPage } from '#console/session/sign-in.page.tsx';
import { common } from './common.texts.ts';
import { contrast, theme } from './theme.ts';

/** How long after something could not be loaded it is tried again. */
const RETRY_MS = 2_000;
/** How long after the way in what is behind it is loaded. */
const LATER_MS = 1_000;

export function App({ nonce }: { readonly nonce: string }) {
  return (
    <LanguageProvider>
      <Themed nonce={nonce}>
        <Session />
      </Themed>
    </LanguageProvider>
  );
}

/** What has a name of its own in the library has it in the language of the page. */
function Themed({ nonce, children }: { readonly nonce: string; readonly children: ReactNode }) {
  const t = useTexts(common);
  const [close, show] = [t('close'), t('show_password')];
  const spoken = useMemo(
    () =>
      mergeThemeOverrides(theme, {
        components: {
          CloseButton: { defaultProps: { 'aria-label': close } },
          PasswordInput: { defaultProps: { visibilityToggleButtonProps: { 'aria-label': show } } },
        },
      }),
    [close, show],
  );
  return (
    <MantineProvider
      theme={spoken}
      cssVariablesResolver={contrast}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      {children}
    </MantineProvider>
  );
}

/** The console for who is signed in, else the way in. */
function Session() {
  const { status, user } = useSession();
  const Console = useConsole(status === 'signed_out');
  useEffect(() => {
    if (status !== 'unknown') return;
    const attempt = () => refresh().catch(() => setTimeout(attempt, RETRY_MS));
    void attempt();
  }, [status]);
  if (status === 'signed_out') return <SignInPage />;
  return user === null || Console === null ? <Splash /> : <Console key={user.id} />;
}

/** Loads the console; a moment later while somebody has to sign in, so that the way in does not wait for it. */
function useConsole(isLater: boolean): ComponentType | null {
  const [found, setFound] = useState<ComponentType | null>(null);
  useEffect(() => {
    if (found !== null) return;
    let timer: ReturnType<typeof setTimeout>;
    const load = () =>
      import('./console.tsx').then(
        ({ Console }) => setFound(() => Console),
        () => {
          timer = setTimeout(load, RETRY_MS);
        },
      );
    if (isLater) timer = setTimeout(load, LATER_MS);
    else void load();
    return () => clearTimeout(timer);
  }, [isLater, found]);
  return found;
}
