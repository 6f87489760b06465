import { defineTexts } from '#console/i18n/texts.ts';

export const firmwareTexts = defineTexts({
  en: {
    title: 'Firmware',
    upload: 'Upload an image',
    image: 'Image',
    choose: 'Choose a file',
    signed_by: 'Signed by key',
    signature: 'Signature',
    empty: 'No firmware yet',
    empty_text: 'Upload an image once. It is hashed and signed, and a roll-out brings it to devices.',
    progress: '{percent} % uploaded',
    version_hint: 'What devices report as firmware_version when it runs',
  },
  ko: {
    title: '펌웨어',
    upload: '이미지 업로드',
    image: '이미지',
    choose: '파일 선택',
    signed_by: '서명 키',
    signature: '서명',
    empty: '아직 펌웨어가 없습니다',
    empty_text: '이미지를 한 번 업로드하면 해시를 계산하고 서명합니다. 배포를 만들면 디바이스에 전달됩니다.',
    progress: '{percent} % 업로드됨',
    version_hint: '이 이미지로 실행될 때 디바이스가 firmware_version으로 보고하는 값',
  },
});
