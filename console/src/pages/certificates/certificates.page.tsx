import { StatusBadge } from '#console/components/status-badge.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';

const texts = defineTexts({
  en: {
    title: 'Certificates',
    text: 'What devices have shown, and what was revoked.',
    empty: 'No certificate yet',
    empty_text:
      'Devices may log in with X.509 certificates instead of a secret. Those that were shown are listed here.',
    first_used: 'First used',
  },
  ko: {
    title: '인증서',
    text: '디바이스가 제시한 인증서와 폐기된 인증서입니다.',
    empty: '아직 인증서가 없습니다',
    empty_text:
      '디바이스는 시크릿 대신 X.509 인증서로 로그인할 수 있습니다. 한 번이라도 제시된 인증서가 여기에 나타납니다.',
    first_used: '처음 사용',
  },
});

type Certificate = RowOf<'/api/v1/provisioning/certificates'>;

const stateOf = ({ revoked_at, not_after }: Certificate): string => {
  if (revoked_at !== null) return 'REVOKED';
  return not_after !== null && Date.parse(not_after) < Date.now() ? 'EXPIRED' : 'VALID';
};

export function CertificatesPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const { valueText } = useApiWords();
  const records: Records<'/api/v1/provisioning/certificates'> = {
    name: 'certificates',
    path: '/api/v1/provisioning/certificates',
    title: t('title'),
    text: t('text'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ serial }) => serial,
    columns: [
      { key: 'serial', label: field('serial') },
      { key: 'device_uid', label: field('device') },
      { key: 'issuer', label: field('issuer') },
      { key: 'status', label: field('status'), render: (row) => <StatusBadge status={stateOf(row)} /> },
      instantColumn('not_after', field('expires'), { sortable: false }),
      instantColumn('first_used_at', t('first_used'), { sortable: false, optional: true }),
      {
        key: 'revoked_reason',
        label: field('reason'),
        render: ({ revoked_reason }) => (revoked_reason === null ? '–' : valueText('reason', revoked_reason)),
      },
    ],
    filters: [
      { key: 'device_uid', label: field('device') },
      { key: 'serial', label: field('serial') },
    ],
    empty: { title: t('empty'), text: t('empty_text') },
  };
  return <RecordsPage records={records} />;
}
