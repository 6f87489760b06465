import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';

type Search = Readonly<Record<string, unknown>>;

/**
 * A dialog that is in the address while it is open: there are links to it, and the browser's back button closes it.
 * @returns as `useDisclosure` does
 */
export function useDialog(name: string): readonly [opened: boolean, { readonly open: () => void; close: () => void }] {
  const { dialog } = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const router = useRouter();
  return [
    dialog === name,
    {
      open: () => void navigate({ to: '.', search: ((before: Search) => ({ ...before, dialog: name })) as never }),
      close() {
        // What the dialog has done may have led to another page.
        const { dialog: now, ...rest } = router.latestLocation.search as Search;
        if (now === name) void navigate({ to: '.', search: rest as never, replace: true });
      },
    },
  ];
}
