import { ActionIcon, Box, Group, Paper, Text } from '@mantine/core';
import { IconGripVertical, IconSettings, IconTrash } from '@tabler/icons-react';
import { useTexts } from '#console/i18n/texts.ts';
import { isKnown, type Widget } from './dashboard.data.ts';
import { dashboardTexts } from './dashboards.texts.ts';
import { ChartWidget } from './widgets/chart.tsx';
import { CommandWidget } from './widgets/command.tsx';
import { AlertsWidget, DevicesWidget } from './widgets/lists.tsx';
import { MapWidget } from './widgets/map.tsx';
import { Note } from './widgets/source.tsx';
import { GaugeWidget, ValueWidget } from './widgets/values.tsx';

/** Takes hold of a widget when it is dragged. */
export const HANDLE = 'widget-handle';

export function useWidgetName(): (widget: Widget) => string {
  const t = useTexts(dashboardTexts);
  return ({ title, type }) => title || (isKnown(type) ? t(type) : type);
}

/** A widget in its frame; while the dashboard is edited, with what moves, sets and removes it. */
export function WidgetCard({ widget, edit }: WidgetCardProps) {
  const t = useTexts(dashboardTexts);
  const nameOf = useWidgetName();
  const name = nameOf(widget);
  return (
    <Paper
      withBorder
      p="xs"
      h="100%"
      component="section"
      aria-label={name}
      style={{ display: 'flex', flexDirection: 'column', overflow: 'hidden', containerType: 'inline-size' }}
    >
      {(edit !== undefined || widget.title) && (
        <Group gap={4} wrap="nowrap" mb={4}>
          {edit !== undefined && (
            <Box className={HANDLE} display="flex" style={{ cursor: 'grab' }} title={t('drag', { name })}>
              <IconGripVertical size={16} aria-hidden />
            </Box>
          )}
          <Text size="sm" fw={600} truncate flex={1} data-text>
            {name}
          </Text>
          {edit !== undefined && (
            <>
              <ActionIcon variant="default" size="sm" aria-label={t('configure', { name })} onClick={edit.configure}>
                <IconSettings size={14} />
              </ActionIcon>
              <ActionIcon variant="default" size="sm" aria-label={t('remove', { name })} onClick={edit.remove}>
                <IconTrash size={14} />
              </ActionIcon>
            </>
          )}
        </Group>
      )}
      <div style={{ flex: 1, minHeight: 0 }}>
        <Content widget={widget} name={name} />
      </div>
    </Paper>
  );
}

function Content({ widget, name }: { readonly widget: Widget; readonly name: string }) {
  const t = useTexts(dashboardTexts);
  const { type, options } = widget;
  switch (type) {
    case 'chart':
      return <ChartWidget options={options} title={name} />;
    case 'value':
      return <ValueWidget options={options} />;
    case 'gauge':
      return <GaugeWidget options={options} />;
    case 'devices':
      return <DevicesWidget options={options} />;
    case 'alerts':
      return <AlertsWidget />;
    case 'command':
      return <CommandWidget options={options} />;
    case 'map':
      return <MapWidget options={options} />;
    case 'text':
      return (
        <Text size="sm" h="100%" style={{ whiteSpace: 'pre-wrap', overflowY: 'auto' }} tabIndex={0} data-text>
          {options.text}
        </Text>
      );
    default:
      return <Note>{t('unknown_type')}</Note>;
  }
}

interface WidgetCardProps {
  readonly widget: Widget;
  readonly edit?: { readonly configure: () => void; readonly remove: () => void } | undefined;
}
