import { ActionIcon, Button, Group, Menu, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { recordTexts } from './records.texts.ts';

interface View {
  readonly name: string;
  readonly search: Readonly<Record<string, unknown>>;
}

/** Filters, order and columns under a name, in this browser. */
export function SavedViews({ name }: { readonly name: string }) {
  const t = useTexts(recordTexts);
  const words = useTexts(common);
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const [views, setViews] = useLocalStorage<readonly View[]>({ key: `core-api.views.${name}`, defaultValue: [] });
  const [title, setTitle] = useState('');
  const saveView = () => {
    if (title.trim() === '') return;
    setViews([...views.filter((view) => view.name !== title.trim()), { name: title.trim(), search }]);
    setTitle('');
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size="input-xs" aria-label={t('views')} title={t('views')}>
          <IconBookmark size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {views.length === 0 && (
          <Text size="xs" c="dimmed" p="xs">
            {t('no_views')}
          </Text>
        )}
        {views.map((view) => (
          <Group key={view.name} gap={0} wrap="nowrap">
            <Menu.Item onClick={() => void navigate({ to: '.', search: view.search as never })}>{view.name}</Menu.Item>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('delete_view', { name: view.name })}
              onClick={() => setViews(views.filter((each) => each.name !== view.name))}
            >
              <IconTrash size={14} />
            </ActionIcon>
          </Group>
        ))}
        <Menu.Divider />
        <Group gap={4} p="xs" wrap="nowrap">
          <TextInput
            size="xs"
            aria-label={t('view_name')}
            placeholder={t('save_view')}
            maxLength={60}
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === 'Enter') saveView();
            }}
          />
          <Button size="xs" onClick={saveView} disabled={title.trim() === ''}>
            {words('save')}
          </Button>
        </Group>
      </Menu.Dropdown>
    </Menu>
  );
}
