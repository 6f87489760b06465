import { Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useBlocker } from '@tanstack/react-router';
import { useRef } from 'react';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';

const texts = defineTexts({
  en: {
    title: 'Leave without saving?',
    text: 'What you have changed here is not saved yet.',
    leave: 'Discard changes',
    stay: 'Go on editing',
    close: 'Close',
  },
  ko: {
    title: '저장하지 않고 나갈까요?',
    text: '바꾼 내용을 아직 저장하지 않았습니다.',
    leave: '변경 내용 버리기',
    stay: '계속 편집',
    close: '닫기',
  },
});

interface Unsaved {
  /** Goes, once somebody who would lose something has agreed. */
  leave(go: () => void): void;
  /** What is sent now is not lost: nobody is asked until `dirty` is said again. */
  settled(): void;
  /** It was refused: there is something to lose again. */
  dirty(): void;
}

/** Asks before something is lost: by another page, the browser's back button, a reload, or what closes a form. */
export function useUnsaved(isDirty: boolean): Unsaved {
  const t = useTexts(texts);
  const isSettled = useRef(false);
  const mayBeLost = () => isDirty && !isSettled.current;
  const isAgreed = () =>
    new Promise<boolean>((resolve) => {
      modals.openConfirmModal({
        title: t('title'),
        children: <Text size="sm">{t('text')}</Text>,
        labels: { confirm: t('leave'), cancel: t('stay') },
        confirmProps: { color: 'red.9' },
        closeButtonProps: { 'aria-label': t('close') },
        onConfirm: () => resolve(true),
        onClose: () => resolve(false),
      });
    });
  useBlocker({
    shouldBlockFn: async () => mayBeLost() && !(await isAgreed()),
    enableBeforeUnload: mayBeLost,
    disabled: !isDirty,
  });
  return {
    leave(go) {
      if (!mayBeLost()) return go();
      void isAgreed().then((agreed) => {
        if (!agreed) return;
        isSettled.current = true;
        go();
      });
    },
    settled() {
      isSettled.current = true;
    },
    dirty() {
      isSettled.current = false;
    },
  };
}
