import { defineTexts } from '#console/i18n/texts.ts';

export const manyTexts = defineTexts({
  en: {
    title: 'Send to many devices',
    text: 'Each device gets a command of its own. One with 100 open commands rejects it.',
    open: 'Send to many',
    send: 'Send',
    taken: 'The command goes to {count} devices.',
    taken_one: 'The command goes to 1 device.',
    batch: 'Progress of the batch',
    done: '{done} of {total} have ended',
  },
  ko: {
    title: '여러 디바이스에 보내기',
    text: '디바이스마다 명령이 하나씩 만들어집니다. 대기 중인 명령이 100개인 디바이스는 거부합니다.',
    open: '여러 대에 보내기',
    send: '보내기',
    taken: '{count}대에 명령을 보냅니다.',
    taken_one: '1대에 명령을 보냅니다.',
    batch: '묶음 진행 상황',
    done: '{total}건 중 {done}건 종료',
  },
});
