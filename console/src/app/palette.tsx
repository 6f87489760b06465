import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { IconCpu, IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import { useTexts } from '#console/i18n/texts.ts';
import { useUser } from '#console/session/session.ts';
import { navigationTexts, placesOf } from './navigation.ts';
import { shellTexts } from './shell.texts.ts';

export const openPalette = (): void => spotlight.open();

/** Ctrl-K: pages by name, devices by name or uid. */
export function CommandPalette() {
  const t = useTexts(shellTexts);
  const names = useTexts(navigationTexts);
  const { role } = useUser();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [q] = useDebouncedValue(query.trim(), 150);
  const { data: devices } = api.useQuery(
    'get',
    '/api/v1/devices',
    { params: { query: { q, size: 8 } } },
    { enabled: q !== '' },
  );
  const wanted = query.trim().toLowerCase();
  const pages = placesOf(role)
    .map((place) => ({ ...place, label: names(place.text) }))
    .filter(({ label, to }) => `${label} ${to}`.toLowerCase().includes(wanted));
  const found = wanted === '' ? [] : (devices?.items ?? []);
  const go = (to: string) => () => void navigate({ to });
  return (
    <Spotlight.Root query={query} onQueryChange={setQuery} shortcut={['mod + K', '/']}>
      <Spotlight.Search placeholder={t('search')} aria-label={t('search')} leftSection={<IconSearch size={18} />} />
      <Spotlight.ActionsList>
        {found.map((device) => (
          <Spotlight.Action
            key={`device-${device.id}`}
            label={device.name}
            description={`${device.device_uid} · ${device.device_type}`}
            leftSection={<IconCpu size={20} />}
            onClick={go(`/devices/${device.id}`)}
          />
        ))}
        {pages.map(({ to, label, icon: Icon }) => (
          <Spotlight.Action key={to} label={label} leftSection={<Icon size={20} />} onClick={go(to)} />
        ))}
        {pages.length + found.length === 0 && <Spotlight.Empty>{t('nothing')}</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
