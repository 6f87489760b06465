import type uPlot from 'uplot';

/**
 * Fingers on a chart: two pinch the range, one moves along it. A finger that moves up or down scrolls the page, as
 * `touch-action: pan-y` says.
 * @param onRange told the range in epoch milliseconds when the fingers have left
 */
export function touchable(onRange: (range: readonly [number, number]) => void): uPlot.Plugin {
  const fingers = new Map<number, number>();
  let before: { readonly xs: readonly number[]; readonly min: number; readonly max: number } | null = null;

  function move(plot: uPlot): void {
    if (before === null) return;
    const { min, max } = before;
    const width = plot.over.clientWidth;
    const xs = [...fingers.values()].sort((a, b) => a - b);
    const [first = 0, second] = xs;
    const [from = 0, to] = before.xs;
    const perPixel = (max - min) / width;
    if (second === undefined || to === undefined) {
      const shift = (from - first) * perPixel;
      plot.setScale('x', { min: min + shift, max: max + shift });
      return;
    }
    const scale = (to - from) / Math.max(second - first, 10);
    const anchor = min + ((from + to) / 2) * perPixel;
    const middle = (first + second) / 2 / width;
    const span = (max - min) * scale;
    plot.setScale('x', { min: anchor - span * middle, max: anchor + span * (1 - middle) });
  }

  return {
    hooks: {
      ready(plot) {
        const { over } = plot;
        over.style.touchAction = 'pan-y';
        const begin = () => {
          const { min, max } = plot.scales['x'] ?? {};
          const xs = [...fingers.values()].sort((a, b) => a - b);
          before = min === undefined || max === undefined || xs.length === 0 ? null : { xs, min, max };
        };
        const x = (event: PointerEvent) => event.clientX - over.getBoundingClientRect().left;
        over.addEventListener('pointerdown', (event) => {
          if (event.pointerType !== 'touch') return;
          fingers.set(event.pointerId, x(event));
          begin();
        });
        over.addEventListener('pointermove', (event) => {
          if (!fingers.has(event.pointerId)) return;
          fingers.set(event.pointerId, x(event));
          move(plot);
        });
        const leave = (event: PointerEvent) => {
          if (!fingers.delete(event.pointerId)) return;
          const { min, max } = plot.scales['x'] ?? {};
          if (fingers.size === 0 && min !== undefined && max !== undefined) onRange([min, max]);
          begin();
        };
        over.addEventListener('pointerup', leave);
        over.addEventListener('pointercancel', leave);
      },
    },
  };
}
