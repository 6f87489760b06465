import { useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import { IconCpu, IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type ComponentType, useEffect, useRef, useState } from 'react';
import { api } from '#console/api/client.ts';
import { useLanguage } from '#console/i18n/language.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { ACTIONS, actionTexts } from './actions.ts';
import { navigationTexts, placesOf } from './navigation.ts';
import { shellTexts } from './shell.texts.ts';

const [store, spotlight] = createSpotlight();

export const openPalette = (): void => spotlight.open();

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly description?: string;
  readonly icon: ComponentType<{ size?: number }>;
  go(): void;
}

/** Ctrl-K: devices by name or uid, pages, and what one can do. */
export function CommandPalette() {
  const t = useTexts(shellTexts);
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const wanted = query.trim();
  const [asked] = useDebouncedValue(wanted, 150);
  const { data, isFetching } = api.useQuery(
    'get',
    '/api/v1/devices',
    { params: { query: { q: asked.slice(0, 100), size: 8 } } },
    { enabled: asked !== '' },
  );
  const devices = (wanted === '' ? [] : (data?.items ?? [])).map(
    ({ id, name, device_uid, device_type }): Choice => ({
      ...{ key: `device-${id}`, label: name, description: `${device_uid} · ${device_type}`, icon: IconCpu },
      go: () => void navigate({ to: `/devices/${id}` as string }),
    }),
  );
  const groups = [
    { title: t('devices'), choices: devices },
    ...useChoices()
      .map(({ title, choices }) => ({ title, choices: choices.filter(({ label }) => contains(label, wanted)) }))
      // Whoever has typed nothing wants to go somewhere.
      .slice(0, wanted === '' ? 1 : 2),
  ];
  const found = groups.flatMap(({ choices }) => choices);
  const isSearching = wanted !== asked || isFetching;

  // What comes later is chosen from, too; whoever has pressed Enter before goes there when it has come.
  const isWaiting = useRef(false);
  const key = found.map((choice) => choice.key).join();
  useEffect(() => {
    selectFirst();
    if (isSearching || !isWaiting.current) return;
    isWaiting.current = false;
    if (found[0] === undefined) return;
    spotlight.close();
    found[0].go();
  }, [key, isSearching]);

  useHotkeys([['/', openPalette]]);
  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={(next) => {
        isWaiting.current = false;
        setQuery(next);
      }}
      shortcut="mod + K"
      tagsToIgnore={[]}
      triggerOnContentEditable
      scrollable
      maxHeight={480}
    >
      <Spotlight.Search
        placeholder={t('search')}
        aria-label={t('search')}
        leftSection={<IconSearch size={18} />}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && isSearching && devices.length === 0) isWaiting.current = true;
        }}
      />
      <Spotlight.ActionsList>
        {groups
          .filter(({ choices }) => choices.length > 0)
          .map(({ title, choices }) => (
            <Spotlight.ActionsGroup key={title} label={title}>
              {choices.map(({ key: id, label, description, icon: Icon, go }) => (
                <Spotlight.Action
                  key={id}
                  label={label}
                  {...(description === undefined ? {} : { description })}
                  leftSection={<Icon size={20} />}
                  onClick={go}
                />
              ))}
            </Spotlight.ActionsGroup>
          ))}
        {found.length === 0 && !isSearching && <Spotlight.Empty>{t('nothing')}</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

const contains = (label: string, wanted: string) => label.toLowerCase().includes(wanted.toLowerCase());

/** Spotlight does so when somebody types, which is before an answer has come. */
function selectFirst(): void {
  const { listId } = store.getState();
  const actions = listId === '' ? [] : [...document.querySelectorAll(`#${CSS.escape(listId)} [data-action]`)];
  for (const [index, action] of actions.entries()) action.toggleAttribute('data-selected', index === 0);
  store.updateState((state) => ({ ...state, selected: actions.length === 0 ? -1 : 0 }));
}

/** Pages and actions of this user. */
function useChoices() {
  const t = useTexts(shellTexts);
  const names = useTexts(navigationTexts);
  const does = useTexts(actionTexts);
  const { role } = useUser();
  const { setColorScheme } = useMantineColorScheme();
  const { language, choose } = useLanguage();
  const navigate = useNavigate();
  const pages = placesOf(role).map(
    ({ to, text, icon }): Choice => ({ key: to, label: names(text), icon, go: () => void navigate({ to }) }),
  );
  const actions = ACTIONS.filter(({ least }) => isAtLeast(role, least)).map(
    ({ text, icon, ...what }): Choice => ({
      ...{ key: text, label: does(text), icon },
      go() {
        if ('to' in what) void navigate({ to: what.to, search: (what.search ?? {}) as never });
        else if ('isOtherLanguage' in what) choose(language === 'en' ? 'ko' : 'en');
        else setColorScheme(what.scheme);
      },
    }),
  );
  return [
    { title: t('page'), choices: pages },
    { title: t('action'), choices: actions },
  ];
}
