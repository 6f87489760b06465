import { ActionIcon, Code, Group, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { failed, succeeded } from './toast.ts';

async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  // A page that came over plain HTTP from another machine has no clipboard of that kind.
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** @param what named in the label of the button, for those who do not see what is beside it */
function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const words = useTexts(common);
  const [isCopied, setCopied] = useState(false);
  const copy = () =>
    toClipboard(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 2_000);
      succeeded(words('copied'));
    }, failed);
  return (
    <Tooltip label={words('copy')}>
      <ActionIcon variant="default" aria-label={`${words('copy')}: ${what}`} onClick={() => void copy()}>
        {isCopied ? <IconCheck size={16} /> : <IconCopy size={16} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** Text as it is typed somewhere else, with a button that copies it. Wide text scrolls by itself, or wraps. */
export function CopyBlock({ text, what, wraps = false }: CopyBlockProps) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label={what}
        mah={420}
        flex={1}
        miw={0}
        style={{ overflow: 'auto', ...(wraps ? { whiteSpace: 'pre-wrap' } : {}) }}
      >
        {text}
      </Code>
      <Copy text={text} what={what} />
    </Group>
  );
}

interface CopyBlockProps {
  readonly text: string;
  readonly what: string;
  readonly wraps?: boolean;
}
