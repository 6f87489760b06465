import { Code, Drawer } from '@mantine/core';
import { useState } from 'react';
import { common } from '#console/app/common.texts.ts';
import { NameOf } from '#console/components/record-name.tsx';
import { useApiWords } from '#console/i18n/language.tsx';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import { instantColumn } from '#console/records/columns.tsx';
import { fieldTexts } from '#console/records/field.texts.ts';
import { RecordsPage } from '#console/records/records.page.tsx';
import type { Records, RowOf } from '#console/records/records.types.ts';

const texts = defineTexts({
  en: {
    title: 'Reports',
    text: 'What analyses have found: those of each night, and those that somebody asked for.',
    empty: 'No reports yet',
    empty_text: 'Each night a report of the day is made for every device that has sent.',
  },
  ko: {
    title: '보고서',
    text: '매일 밤 만든 분석 결과와 직접 요청한 분석 결과입니다.',
    empty: '아직 보고서가 없습니다',
    empty_text: '데이터를 보낸 디바이스마다 밤에 하루치 보고서를 만듭니다.',
  },
});

export function ResultsPage() {
  const t = useTexts(texts);
  const field = useTexts(fieldTexts);
  const words = useTexts(common);
  const { valueText, choices } = useApiWords();
  const [open, setOpen] = useState<RowOf<'/api/v1/analytics/results'> | null>(null);
  const records: Records<'/api/v1/analytics/results'> = {
    name: 'reports',
    path: '/api/v1/analytics/results',
    title: t('title'),
    text: t('text'),
    sort: '-created_at',
    keyOf: ({ id }) => id,
    nameOf: ({ id }) => id,
    onOpen: setOpen,
    columns: [
      { key: 'analysis_type', label: field('type'), render: (row) => valueText('analysis', row.analysis_type) },
      { key: 'device_id', label: field('device'), render: ({ device_id }) => <NameOf kind="device" id={device_id} /> },
      instantColumn('start', field('from'), { sortable: false }),
      instantColumn('end', field('to'), { sortable: false }),
      instantColumn('created_at', field('created')),
    ],
    filters: [
      { key: 'analysis_type', label: field('type'), options: choices('analysis', ['daily', 'report', 'device']) },
      { key: 'device_id', label: field('device'), kind: 'device' },
    ],
    empty: { title: t('empty'), text: t('empty_text') },
  };
  return (
    <>
      <RecordsPage records={records} />
      <Drawer
        opened={open !== null}
        onClose={() => setOpen(null)}
        position="right"
        size="lg"
        title={open && valueText('analysis', open.analysis_type)}
        closeButtonProps={{ 'aria-label': words('close') }}
      >
        <Code block>{JSON.stringify(open?.result, null, 2)}</Code>
      </Drawer>
    </>
  );
}
