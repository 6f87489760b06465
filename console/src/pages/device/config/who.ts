import { useUserName } from '#console/components/record-name.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import type { ConfigVersion } from './config.data.ts';
import { configTexts } from './config.texts.ts';

/** Who made a version, in words. */
export function useWho(change: Pick<ConfigVersion, 'changed_by' | 'user_id'> | undefined): string {
  const t = useTexts(configTexts);
  const name = useUserName(change?.user_id ?? null);
  if (change === undefined) return '–';
  // Whoever has changed the defaults of the group, or its membership, is known, too.
  if (change.changed_by === 'user') return change.user_id === null ? t('who_user') : name;
  const maker = t(`who_${change.changed_by}`);
  return change.user_id === null ? maker : `${maker} (${name})`;
}
