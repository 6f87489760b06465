import { useTexts } from '#console/i18n/texts.ts';
import { useUserName } from '../user-name.tsx';
import type { ConfigVersion } from './config.data.ts';
import { configTexts } from './config.texts.ts';

/** Who made a version, in words. */
export function useWho(change: Pick<ConfigVersion, 'changed_by' | 'user_id'> | undefined): string {
  const t = useTexts(configTexts);
  const name = useUserName(change?.changed_by === 'user' ? change.user_id : null);
  if (change === undefined) return '–';
  if (change.changed_by !== 'user') return t(`who_${change.changed_by}`);
  return name === '–' ? t('who_user') : name;
}
