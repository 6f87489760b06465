import 'react-grid-layout/css/styles.css';
import { Stack } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { GridLayout, verticalCompactor } from 'react-grid-layout';
import { COLUMNS, type Place, type Widget } from './dashboard.data.ts';
import { HANDLE, WidgetCard } from './widget.tsx';

const ROW = 40;
const GAP = 12;
/** Narrower than this, widgets stand below one another. */
const NARROW = 640;

/** The widgets where they belong; while it is edited, they are dragged and resized. */
export function Board({ widgets, layout, edit }: BoardProps) {
  const { ref, width } = useElementSize();
  const shown = layout.filter(({ i }) => widgets.some(({ id }) => id === i));
  const cardOf = (widget: Widget) => (
    <WidgetCard
      widget={widget}
      edit={edit && { configure: () => edit.configure(widget.id), remove: () => edit.remove(widget.id) }}
    />
  );
  const heightOf = (id: string) => (layout.find(({ i }) => i === id)?.h ?? 4) * (ROW + GAP) - GAP;
  return (
    <div ref={ref}>
      {width > 0 && width < NARROW && (
        <Stack gap={GAP}>
          {inOrder(widgets, layout).map((widget) => (
            <div key={widget.id} style={{ height: heightOf(widget.id) }}>
              {cardOf(widget)}
            </div>
          ))}
        </Stack>
      )}
      {width >= NARROW && (
        <GridLayout
          width={width}
          layout={shown}
          gridConfig={{ cols: COLUMNS, rowHeight: ROW, margin: [GAP, GAP], containerPadding: [0, 0] }}
          dragConfig={{ enabled: edit !== undefined, handle: `.${HANDLE}` }}
          resizeConfig={{ enabled: edit !== undefined }}
          compactor={verticalCompactor}
          onLayoutChange={(next) => edit?.move(next.map(({ i, x, y, w, h }) => ({ i, x, y, w, h })))}
        >
          {widgets.map((widget) => (
            <div key={widget.id}>{cardOf(widget)}</div>
          ))}
        </GridLayout>
      )}
    </div>
  );
}

/** As one reads: row by row. */
function inOrder(widgets: readonly Widget[], layout: readonly Place[]): readonly Widget[] {
  const rank = (id: string) => {
    const place = layout.find(({ i }) => i === id);
    return place === undefined ? Number.POSITIVE_INFINITY : place.y * COLUMNS + place.x;
  };
  return [...widgets].sort((a, b) => rank(a.id) - rank(b.id));
}

interface BoardProps {
  readonly widgets: readonly Widget[];
  readonly layout: readonly Place[];
  readonly edit?:
    | {
        readonly move: (layout: readonly Place[]) => void;
        readonly configure: (id: string) => void;
        readonly remove: (id: string) => void;
      }
    | undefined;
}
