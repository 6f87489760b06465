import { useParams } from '@tanstack/react-router';
import { api } from '#console/api/client.ts';
import { StatusBadge } from '#console/components/status-badge.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { ChangeHistory } from '#console/records/change-history.tsx';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records } from '#console/records/records.types.ts';

const texts = defineTexts({
  en: {
    title: 'Attempts with the claim {name}',
    text: 'How far each attempt came, and why no further.',
    empty: 'No attempt yet',
    empty_text: 'As soon as a device shows the token of this claim, it appears here, also when it is refused.',
    step: 'Step',
  },
  ko: {
    title: '클레임 {name}의 등록 시도',
    text: '시도마다 어디까지 진행되었고 왜 멈췄는지 보여 줍니다.',
    empty: '아직 시도가 없습니다',
    empty_text: '디바이스가 이 클레임의 토큰을 보내면 거부된 경우까지 여기에 나타납니다.',
    step: '단계',
  },
});

export function ClaimPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const { problemTitle } = useApiWords();
  const id = Number((useParams({ strict: false }) as { readonly id?: string }).id);
  const { data: claim } = api.useQuery('get', '/api/v1/provisioning/claims/{claim_id}', {
    params: { path: { claim_id: id } },
  });
  const path = `/api/v1/provisioning/claims/${id}/attempts` as '/api/v1/provisioning/claims/{claim_id}/attempts';
  const records: Records<'/api/v1/provisioning/claims/{claim_id}/attempts'> = {
    name: 'attempts',
    path,
    title: t('title', { name: claim?.name ?? String(id) }),
    text: t('text'),
    sort: '-created_at',
    keyOf: (attempt) => attempt.id,
    nameOf: (attempt) => String(attempt.id),
    columns: [
      instantColumn('created_at', field('time')),
      { key: 'device_uid', label: field('device') },
      { key: 'step', label: t('step'), render: ({ step }) => <StatusBadge status={step} kind="step" /> },
      { key: 'error', label: field('reason'), render: ({ error }) => (error === null ? '–' : problemTitle(error)) },
      { key: 'ip_address', label: field('address') },
    ],
    empty: { title: t('empty'), text: t('empty_text') },
  };
  return (
    <>
      <RecordsPage records={records} />
      <ChangeHistory of={{ type: 'device_claim', id }} />
    </>
  );
}
