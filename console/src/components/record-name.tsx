import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { useNamed } from './named.ts';

const texts = defineTexts({ en: { you: 'you', user: 'user {id}' }, ko: { you: '나', user: '사용자 {id}' } });

/**
 * Who a user is, in words: oneself, the name or e-mail where the role may know it, else the number.
 * @param known the name where the API has said it
 */
export function useUserName(id: number | null, known?: string | null): string {
  const t = useTexts(texts);
  const me = useUser();
  const isAsked = id !== null && id !== me.id && !known && isAtLeast(me.role, 'MANAGER');
  const names = useNamed('person', isAsked ? [id] : []);
  if (id === null) return '–';
  if (id === me.id) return t('you');
  return known || (names.get(id)?.name ?? t('user', { id: String(id) }));
}

export function UserName({ id, known }: { readonly id: number | null; readonly known?: string | null }) {
  return useUserName(id, known);
}

/** What a device or a group is called. */
export function NameOf({ kind, id }: { readonly kind: 'device' | 'group'; readonly id: number | null }) {
  const names = useNamed(kind, id === null ? [] : [id]);
  return id === null ? '–' : (names.get(id)?.name ?? String(id));
}
