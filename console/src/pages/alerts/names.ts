import { api } from '#console/api/client.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { alertsTexts } from './alerts.texts.ts';

const MOST = 100;

/** Active users, for those who may see them: ADMIN and above. */
export function useUsers() {
  const { role } = useUser();
  const query = { size: MOST, is_active: true };
  const { data } = api.useQuery(
    'get',
    '/api/v1/users',
    { params: { query } },
    { enabled: isAtLeast(role, 'ADMIN'), staleTime: 60_000 },
  );
  return data?.items ?? [];
}

/** What to call a user: you, the name where one may know it, else the id. */
export function useNames(): (userId: number, known?: string | null) => string {
  const t = useTexts(alertsTexts);
  const me = useUser();
  const names = new Map(useUsers().map(({ id, full_name, email }) => [id, full_name || email]));
  return (userId, known) =>
    userId === me.id ? t('you') : (known ?? names.get(userId) ?? t('user', { id: String(userId) }));
}
