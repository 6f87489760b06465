import type uPlot from 'uplot';

/** So near a line, in CSS pixels, one takes hold of it. */
const NEAR = 7;

export interface DraggedLines {
  /** Levels, in the order of the chart. */
  levels(): readonly number[];
  /** Undefined: nothing can be moved. */
  onMove(): ((index: number, value: number) => void) | undefined;
}

/** What somebody has in hand stays as it was: else it would run away under the pointer. */
export interface Held {
  /** Of the scale, while a line is dragged. */
  range: [number, number] | null;
  /** Fingers move the range. */
  isTouched: boolean;
}

/** Horizontal lines that are dragged up and down, by mouse, pen or finger. */
export function draggableLines({ levels, onMove }: DraggedLines, held: Held): uPlot.Plugin {
  let dragged = -1;
  let frame = 0;

  const y = (plot: uPlot, event: PointerEvent) => event.clientY - plot.over.getBoundingClientRect().top;
  const nearest = (plot: uPlot, at: number) =>
    levels().findIndex((level) => Math.abs(plot.valToPos(level, 'y') - at) <= NEAR);

  return {
    hooks: {
      ready(plot) {
        const { over } = plot;
        over.addEventListener(
          'pointerdown',
          (event) => {
            if (onMove() === undefined) return;
            dragged = nearest(plot, y(plot, event));
            if (dragged < 0) return;
            const { min, max } = plot.scales['y'] ?? {};
            if (min !== undefined && max !== undefined) held.range = [min, max];
            over.setPointerCapture(event.pointerId);
            event.stopImmediatePropagation();
          },
          { capture: true },
        );
        // uPlot zooms by the mouse events of the same gesture.
        over.addEventListener('mousedown', (event) => dragged >= 0 && event.stopImmediatePropagation(), {
          capture: true,
        });
        over.addEventListener('pointermove', (event) => {
          if (onMove() === undefined) return;
          const at = y(plot, event);
          if (dragged < 0) {
            over.style.cursor = nearest(plot, at) < 0 ? '' : 'ns-resize';
            return;
          }
          const index = dragged;
          cancelAnimationFrame(frame);
          frame = requestAnimationFrame(() => onMove()?.(index, plot.posToVal(at, 'y')));
        });
        const leave = () => {
          if (dragged < 0) return;
          dragged = -1;
          held.range = null;
          plot.redraw(true, true);
        };
        over.addEventListener('pointerup', leave);
        over.addEventListener('pointercancel', leave);
      },
    },
  };
}
