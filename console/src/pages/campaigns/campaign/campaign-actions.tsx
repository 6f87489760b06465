import { Button, Group, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { client } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { OVERTAKEN, type Undo, useAct } from '#console/components/undo.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, type User, useUser } from '#console/session/session.ts';
import type { Campaign } from '../campaign.data.ts';
import { campaignTexts } from '../campaigns.texts.ts';

export type CampaignAction = 'approve' | 'start' | 'pause' | 'resume' | 'abort';

export const waitsForApproval = ({ status, requires_approval, approved_by }: Campaign): boolean =>
  status === 'DRAFT' && requires_approval && approved_by === null;

/** What may be done now, by this user. */
function actionsOf(campaign: Campaign, { id, role }: User): readonly CampaignAction[] {
  if (!isAtLeast(role, 'MANAGER')) return [];
  switch (campaign.status) {
    case 'DRAFT':
      if (!waitsForApproval(campaign)) return ['start', 'abort'];
      return campaign.created_by === id ? ['abort'] : ['approve', 'abort'];
    case 'SCHEDULED':
      return ['abort'];
    case 'RUNNING':
      return ['pause', 'abort'];
    case 'PAUSED':
      return ['resume', 'abort'];
    default:
      return [];
  }
}

export function actOn(id: number, action: CampaignAction) {
  return client.POST(`/api/v1/campaigns/{campaign_id}/${action}`, { params: { path: { campaign_id: id } } });
}

/** A pause of a gate is none of these: who resumes from it says that the gate does not count. */
function undoOf({ id, reason }: Campaign, action: CampaignAction): Undo | undefined {
  if (action === 'resume' && reason === 'person') return () => actOn(id, 'pause');
  if (action !== 'pause') return undefined;
  return async () => {
    const { data, error } = await client.GET('/api/v1/campaigns/{campaign_id}', {
      params: { path: { campaign_id: id } },
    });
    if (error !== undefined) return { error };
    return data.reason === 'person' ? await actOn(id, 'resume') : { error: OVERTAKEN };
  };
}

export function CampaignActions({ campaign }: { readonly campaign: Campaign }) {
  const t = useTexts(campaignTexts);
  const words = useTexts(common);
  const user = useUser();
  const say = useAct();
  const act = (action: CampaignAction) =>
    say(t(`done_${action}`), async () => {
      const { error } = await actOn(campaign.id, action);
      return { error, undo: undoOf(campaign, action) };
    });
  const ask = (action: 'abort' | 'resume') =>
    modals.openConfirmModal({
      title: t(`${action}_title`, { name: campaign.name }),
      children: <Text size="sm">{t(action === 'abort' ? 'abort_text' : 'resume_gate')}</Text>,
      labels: { confirm: t(action), cancel: words('cancel') },
      confirmProps: action === 'abort' ? { color: 'red.9' } : {},
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: () => void act(action),
    });
  const isGated = campaign.reason === 'gate';
  return (
    <Group gap="xs">
      {actionsOf(campaign, user).map((action) => (
        <Button
          key={action}
          variant={action === 'abort' || action === 'pause' ? 'default' : 'filled'}
          {...(action === 'abort' ? { c: 'var(--mantine-color-error)' } : {})}
          onClick={() => (action === 'abort' || (action === 'resume' && isGated) ? ask(action) : void act(action))}
        >
          {t(action)}
        </Button>
      ))}
    </Group>
  );
}
