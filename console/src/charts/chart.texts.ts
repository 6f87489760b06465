import { defineTexts } from '#console/i18n/texts.ts';

export const chartTexts = defineTexts({
  en: {
    table: 'As a table: {name}',
    chart: 'As a chart: {name}',
    actions: 'More for {name}',
    csv: 'CSV of what is shown',
    png: 'PNG of the chart',
    time: 'Time',
    rows: 'The newest {shown} of {count} rows; the CSV has all of them.',
    empty: 'There is nothing in this range.',
    keys: 'Arrow keys move, plus and minus zoom, 0 goes back.',
  },
  ko: {
    table: '표로 보기: {name}',
    chart: '차트로 보기: {name}',
    actions: '{name} 작업',
    csv: '보이는 값 CSV',
    png: '차트 PNG',
    time: '시각',
    rows: '{count}행 중 최신 {shown}행입니다. CSV에는 모두 들어 있습니다.',
    empty: '이 기간에는 값이 없습니다.',
    keys: '화살표 키로 이동하고, +와 -로 확대·축소하고, 0으로 되돌아갑니다.',
  },
});
