import { Button, Group, Text } from '@mantine/core';
import { randomId, useHotkeys } from '@mantine/hooks';
import { notifications, notificationsStore } from '@mantine/notifications';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { failed, succeeded } from './toast.ts';

/** As a call of the API answers. */
interface Answer {
  readonly error?: unknown;
}

/** The call that takes an action back. `note`: what it has not brought back. */
export type Undo = () => Promise<Answer & { readonly note?: string }>;

/** What became of an action; `undo` where the API can take all of it back. */
export interface Outcome extends Answer {
  readonly undo?: Undo | undefined;
}

/** What an undo answers when somebody else has changed the same since: their change stays. */
export const OVERTAKEN = Symbol('overtaken');

const PREFIX = 'undo-';
/** Long enough to read it, and to reach the button by keyboard; while somebody is there, it waits. */
const SHOWN_MS = 20_000;

const attempt = <T extends Answer>(call: () => Promise<T>): Promise<T | Answer> =>
  call().catch((error: unknown) => ({ error }));

/** Acts, says what has happened, offers the way back, and reads again what is on the screen. @returns whether it is done */
export function useAct(): (message: string, action: () => Promise<Outcome>) => Promise<boolean> {
  const cache = useQueryClient();
  const say = useSay();
  return async (message, action) => {
    const { error, undo }: Outcome = await attempt(action);
    if (error === undefined) say(message, undo);
    else failed(error);
    await cache.invalidateQueries();
    return error === undefined;
  };
}

/** Says what has happened, and offers the way back. */
export function useSay(): (message: string, undo?: Undo) => void {
  const cache = useQueryClient();
  return (message, undo) => (undo === undefined ? succeeded(message) : offer(message, undo, cache));
}

/** One after the other, the last thing first; what cannot be taken back is told, the rest is. */
export function allOf(undos: readonly Undo[]): Undo {
  return async () => {
    const answers: Awaited<ReturnType<Undo>>[] = [];
    for (const undo of undos.toReversed()) answers.push(await attempt(undo));
    return answers.find(({ error }) => error !== undefined) ?? answers.find(({ note }) => note !== undefined) ?? {};
  };
}

/** One at a time: what is taken back is the last thing that was done. */
function offer(message: string, undo: Undo, cache: QueryClient): void {
  for (const { id } of shown()) if (id?.startsWith(PREFIX)) notifications.hide(id);
  const id = randomId(PREFIX);
  const toast = { id, color: 'teal', withBorder: true, role: 'status', autoClose: SHOWN_MS } as const;
  const body = <Offer id={id} message={message} undo={undo} cache={cache} />;
  const keep = (autoClose: number | false) => () => notifications.update({ ...toast, message: body, autoClose });
  notifications.show({ ...toast, message: body, onFocusCapture: keep(false), onBlurCapture: keep(SHOWN_MS) });
}

function shown() {
  const { notifications: seen, queue } = notificationsStore.getState();
  return [...seen, ...queue];
}

/** Where Ctrl-Z is the browser's own. */
const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement ||
  (target instanceof HTMLInputElement && !['checkbox', 'radio'].includes(target.type));

function Offer({ id, message, undo, cache }: OfferProps) {
  const t = useTexts(common);
  const [busy, setBusy] = useState(false);
  const cameFrom = useRef<HTMLElement | null>(null);
  const takeBack = async () => {
    if (busy || !shown().some((each) => each.id === id)) return;
    setBusy(true);
    const { error, note }: Awaited<ReturnType<Undo>> = await attempt(undo);
    notifications.hide(id);
    cameFrom.current?.focus();
    if (error === undefined) succeeded(note ?? t('undone'));
    else failed(error === OVERTAKEN ? new Error(t('overtaken')) : error);
    await cache.invalidateQueries();
  };
  const byKey = (event: KeyboardEvent) => {
    if (takesText(event.target)) return;
    event.preventDefault();
    void takeBack();
  };
  useHotkeys([['mod+Z', byKey, { preventDefault: false }]], []);
  return (
    <Group justify="space-between" wrap="nowrap" gap="sm">
      <Text size="sm">{message}</Text>
      <Button
        size="compact-sm"
        variant="default"
        flex="none"
        loading={busy}
        aria-keyshortcuts="Control+Z Meta+Z"
        title="Ctrl+Z"
        onFocus={({ relatedTarget }) => {
          cameFrom.current = relatedTarget instanceof HTMLElement ? relatedTarget : null;
        }}
        onClick={() => void takeBack()}
      >
        {t('undo')}
      </Button>
    </Group>
  );
}

interface OfferProps {
  readonly id: string;
  readonly message: string;
  readonly undo: Undo;
  readonly cache: QueryClient;
}
