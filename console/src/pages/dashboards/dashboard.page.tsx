import { ActionIcon, Button, Group, Loader, Menu, Text, TextInput, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconMaximize, IconMinimize, IconPencil, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '#console/api/client.ts';
import { common } from '#console/app/common.texts.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Empty, Failure } from '#console/components/states.tsx';
import { useSay } from '#console/components/undo.tsx';
import { useUnsaved } from '#console/components/use-unsaved.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { ChangeHistory } from '#console/records/change-history.tsx';
import { changeRecord } from '#console/records/change-record.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { isAtLeast, useUser } from '#console/session/session.ts';
import { Board } from './board.tsx';
import {
  type Dashboard,
  newId,
  optionsOf,
  type Place,
  placeFor,
  type Share,
  toBody,
  WIDGET_TYPES,
  type Widget,
  widgetsOf,
} from './dashboard.data.ts';
import { dashboardTexts } from './dashboards.texts.ts';
import { ShareSelect } from './new-dashboard.tsx';
import { WidgetForm } from './widget-form.tsx';

export function DashboardPage() {
  const words = useTexts(common);
  const id = Number((useParams({ strict: false }) as { readonly id?: string }).id);
  const input = { params: { path: { dashboard_id: id } } };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/dashboards/{dashboard_id}', input);
  const search = useSearch({ strict: false }) as { readonly edit?: unknown; readonly wall?: unknown };
  if (data === undefined) {
    return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loader aria-label={words('loading')} />;
  }
  if (search.wall !== undefined) return <Wall dashboard={data} />;
  return search.edit === undefined ? <Shown dashboard={data} /> : <Edited key={data.updated_at} dashboard={data} />;
}

/** Its address says how a dashboard is shown: so it can be sent to somebody, or to a screen on a wall. */
function useMode(): (mode: 'shown' | 'edit' | 'wall') => void {
  const navigate = useNavigate();
  return (mode) => void navigate({ to: '.', search: (mode === 'shown' ? {} : { [mode]: 1 }) as never });
}

function Shown({ dashboard }: { readonly dashboard: Dashboard }) {
  const t = useTexts(dashboardTexts);
  const go = useMode();
  const { id, role } = useUser();
  const mayWrite = dashboard.owner_id === id || isAtLeast(role, 'ADMIN');
  return (
    <>
      <PageHeader title={dashboard.name}>
        <Button variant="default" leftSection={<IconMaximize size={16} />} onClick={() => go('wall')}>
          {t('wall')}
        </Button>
        {mayWrite && (
          <Button variant="default" leftSection={<IconPencil size={16} />} onClick={() => go('edit')}>
            {t('edit')}
          </Button>
        )}
      </PageHeader>
      {dashboard.widgets.length === 0 ? (
        <Empty title={t('empty_board')} text={t('empty_board_text')} />
      ) : (
        <Board widgets={widgetsOf(dashboard)} layout={dashboard.layout} />
      )}
    </>
  );
}

/** For a screen on a wall: nothing around it. Escape leads back. */
function Wall({ dashboard }: { readonly dashboard: Dashboard }) {
  const t = useTexts(dashboardTexts);
  const go = useMode();
  useHotkeys([['Escape', () => go('shown')]]);
  return (
    <>
      <Group justify="space-between" mb="xs" wrap="nowrap">
        <Title order={1} size="h3" lineClamp={1}>
          {dashboard.name}
        </Title>
        <ActionIcon variant="default" aria-label={t('leave_wall')} onClick={() => go('shown')}>
          <IconMinimize size={16} />
        </ActionIcon>
      </Group>
      <Board widgets={widgetsOf(dashboard)} layout={dashboard.layout} />
    </>
  );
}

function Edited({ dashboard }: { readonly dashboard: Dashboard }) {
  const t = useTexts(dashboardTexts);
  const words = useTexts(common);
  const field = useTexts(fieldTexts);
  const go = useMode();
  const cache = useQueryClient();
  const say = useSay();
  const [name, setName] = useState(dashboard.name);
  const [shared, setShared] = useState<Share>(dashboard.shared);
  const [widgets, setWidgets] = useState<readonly Widget[]>(() => widgetsOf(dashboard));
  const [layout, setLayout] = useState<readonly Place[]>(dashboard.layout);
  const [configured, setConfigured] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const now = JSON.stringify([name, shared, widgets, layout]);
  const [loaded] = useState(now);
  const unsaved = useUnsaved(now !== loaded);

  const add = (type: (typeof WIDGET_TYPES)[number]) => {
    const id = newId(widgets);
    setWidgets([...widgets, { id, type, title: null, options: optionsOf({}) }]);
    setLayout([...layout, placeFor(id, type, layout)]);
    setConfigured(id);
  };
  const remove = (id: string) => {
    setWidgets(widgets.filter((widget) => widget.id !== id));
    setLayout(layout.filter(({ i }) => i !== id));
  };
  const save = async () => {
    setBusy(true);
    try {
      const body = { name, shared, layout: [...layout], widgets: toBody(widgets, dashboard.widgets) };
      const change = { ids: { dashboard_id: dashboard.id }, changes: body };
      const answer = await changeRecord('/api/v1/dashboards/{dashboard_id}', change);
      setError(answer.error ?? null);
      if (answer.error !== undefined) return;
      say(words('saved'), answer.undo);
      unsaved.settled();
      go('shown');
      await cache.invalidateQueries({ queryKey: ['get', '/api/v1/dashboards/{dashboard_id}'] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageHeader title={dashboard.name}>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<IconPlus size={16} />} disabled={widgets.length >= 50}>
              {t('add')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {WIDGET_TYPES.map((type) => (
              <Menu.Item key={type} onClick={() => add(type)}>
                {t(type)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Button variant="default" onClick={() => go('shown')}>
          {words('cancel')}
        </Button>
        <Button onClick={() => void save()} loading={busy} disabled={name.trim() === ''}>
          {t('done')}
        </Button>
      </PageHeader>
      {error !== null && <Failure error={error} />}
      <Group align="flex-end" mb="md">
        <TextInput
          label={field('name')}
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <ShareSelect value={shared} onChange={setShared} />
      </Group>
      {widgets.length === 0 && <Text c="dimmed">{t('empty_board')}</Text>}
      <Board widgets={widgets} layout={layout} edit={{ move: setLayout, configure: setConfigured, remove }} />
      <WidgetForm
        widget={widgets.find(({ id }) => id === configured)}
        place={layout.find(({ i }) => i === configured)}
        onChange={(changed) => setWidgets(widgets.map((widget) => (widget.id === changed.id ? changed : widget)))}
        onPlace={(changed) => setLayout(layout.map((place) => (place.i === changed.i ? changed : place)))}
        onClose={() => setConfigured(null)}
      />
      <ChangeHistory of={{ type: 'dashboard', id: dashboard.id }} />
    </>
  );
}
