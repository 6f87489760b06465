import { ModalsProvider } from '@mantine/modals';
import { Notifications, notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { isProblem } from '#console/api/problem.ts';
import { useReachable } from '#console/api/reachable.ts';
import { router } from './router.tsx';

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

/** Of one user: nothing that another one has loaded is shown to the next. */
export function Console() {
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
      <Notifications position="bottom-right" aria-live="polite" />
      <ModalsProvider>
        <RouterProvider router={router} />
      </ModalsProvider>
    </QueryClientProvider>
  );
}
