import { api } from '#console/api/client.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';

const texts = defineTexts({ en: { you: 'you', user: 'user {id}' }, ko: { you: '나', user: '사용자 {id}' } });

/** Who a user is, in words: oneself, the e-mail address where the role may know it, else the number. */
export function useUserName(id: number | null): string {
  const t = useTexts(texts);
  const me = useUser();
  const mayKnow = id !== null && id !== me.id && isAtLeast(me.role, 'ADMIN');
  const input = { params: { path: { user_id: id ?? 0 } } };
  const { data } = api.useQuery('get', '/api/v1/users/{user_id}', input, { enabled: mayKnow, staleTime: 300_000 });
  if (id === null) return '–';
  if (id === me.id) return t('you');
  return data?.email ?? t('user', { id: String(id) });
}

export function UserName({ id }: { readonly id: number | null }) {
  return useUserName(id);
}
