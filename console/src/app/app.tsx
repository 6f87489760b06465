import { MantineProvider, mergeThemeOverrides } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications, notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { isProblem } from '#console/api/problem.ts';
import { useReachable } from '#console/api/reachable.ts';
import { Splash } from '#console/components/states.tsx';
import { LanguageProvider } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { refresh, useSession } from '#console/session/session.ts';
import { SignInPage } from '#console/session/sign-in.page.tsx';
import { common } from './common.texts.ts';
import { router } from './router.tsx';
import { contrast, theme } from './theme.ts';

function createCache(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the API has refused, it refuses again; a server that is away comes back.
        retry: (count, error) => !isProblem(error) && count < 30,
        retryDelay: (count) => Math.min(500 * 2 ** count, 5_000),
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
}

export function App({ nonce }: { readonly nonce: string }) {
  return (
    <LanguageProvider>
      <Themed nonce={nonce}>
        <Notifications position="bottom-right" aria-live="polite" />
        <ModalsProvider>
          <Session />
        </ModalsProvider>
      </Themed>
    </LanguageProvider>
  );
}

/** What closes something says so, in the language of the page. */
function Themed({ nonce, children }: { readonly nonce: string; readonly children: ReactNode }) {
  const close = useTexts(common)('close');
  const spoken = useMemo(
    () => mergeThemeOverrides(theme, { components: { CloseButton: { defaultProps: { 'aria-label': close } } } }),
    [close],
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
  useEffect(() => {
    if (status !== 'unknown') return;
    const attempt = () => refresh().catch(() => setTimeout(attempt, 2_000));
    void attempt();
  }, [status]);
  if (status === 'unknown') return <Splash />;
  if (user === null) return <SignInPage />;
  return <Console key={user.id} />;
}

/** Of one user: nothing that another one has loaded is shown to the next. */
function Console() {
  const [cache] = useState(createCache);
  const reachable = useReachable();
  const before = useRef(reachable);
  // Everything on the screen is read again when the server is back: what was told live meanwhile has passed by.
  useEffect(() => {
    if (reachable && !before.current) void cache.invalidateQueries();
    before.current = reachable;
  }, [reachable, cache]);
  // Nor can the next one take back what this one has done.
  useEffect(() => () => notifications.clean(), []);
  return (
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
