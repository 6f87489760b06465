import { defineTexts } from '#console/i18n/texts.ts';

export const firmwareTexts = defineTexts({
  en: {
    runs: 'Runs the version',
    not_reported: 'not reported',
    empty: 'No roll-out has reached this device',
    empty_text: 'A roll-out brings a firmware to many devices in stages. Where this one stands in it is shown here.',
    since: 'since',
    due: 'By itself at the latest',
    attempts: '{count} offers so far',
    progress: '{percent} % done',
    history: 'Steps of {name}',
    loading: 'Loading…',
  },
  ko: {
    runs: '실행 중인 버전',
    not_reported: '보고되지 않음',
    empty: '이 디바이스에 진행된 배포가 없습니다',
    empty_text:
      '배포는 여러 디바이스에 펌웨어를 단계별로 설치합니다. 이 디바이스의 진행 상황을 여기에서 볼 수 있습니다.',
    since: '시작:',
    due: '자동으로 다음 단계로 넘어가는 시각',
    attempts: '제안 {count}회',
    progress: '{percent}% 진행',
    history: '{name} 진행 단계',
    loading: '불러오는 중…',
  },
});
