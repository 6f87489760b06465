import { ActionIcon, Button, Group, Popover, Text, TextInput } from '@mantine/core';
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
  // A dialog that is open is no part of a view.
  const { dialog: _, ...search } = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const [views, setViews] = useLocalStorage<readonly View[]>({ key: `core-api.views.${name}`, defaultValue: [] });
  const [title, setTitle] = useState('');
  const [opened, setOpened] = useState(false);
  const saveView = () => {
    if (title.trim() === '') return;
    setViews([...views.filter((view) => view.name !== title.trim()), { name: title.trim(), search }]);
    setTitle('');
  };
  return (
    <Popover position="bottom-end" trapFocus returnFocus withinPortal opened={opened} onChange={setOpened}>
      <Popover.Target>
        <ActionIcon
          variant="default"
          size="input-xs"
          aria-label={t('views')}
          title={t('views')}
          onClick={() => setOpened((before) => !before)}
        >
          <IconBookmark size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('views')} p="xs">
        {views.length === 0 && (
          <Text size="xs" c="dimmed" mb="xs">
            {t('no_views')}
          </Text>
        )}
        {views.map((view) => (
          <Group key={view.name} gap={4} wrap="nowrap" mb={4}>
            <Button
              variant="subtle"
              c="inherit"
              size="xs"
              flex={1}
              justify="flex-start"
              onClick={() => {
                setOpened(false);
                void navigate({ to: '.', search: view.search as never });
              }}
            >
              {view.name}
            </Button>
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
        <form
          onSubmit={(event) => {
            event.preventDefault();
            saveView();
          }}
        >
          <Group gap={4} wrap="nowrap">
            <TextInput
              size="xs"
              aria-label={t('view_name')}
              placeholder={t('save_view')}
              maxLength={60}
              value={title}
              onChange={(event) => setTitle(event.currentTarget.value)}
            />
            <Button type="submit" size="xs" disabled={title.trim() === ''}>
              {words('save')}
            </Button>
          </Group>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
