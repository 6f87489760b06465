import type uPlot from 'uplot';
import type { Held } from './threshold-drag.ts';

/** A finger that has moved less, in CSS pixels, was put down to read a value. */
const STILL = 8;

interface Beginning {
  /** Where the fingers were put down, from left to right. */
  readonly xs: readonly number[];
  readonly min: number;
  readonly max: number;
}

/**
 * Fingers on a chart: two pinch the range, one moves along it. A finger that moves up or down scrolls the page, as
 * `touch-action: pan-y` says; the browser then takes the finger away, and the range is what it was before.
 * @param onRange told the range in epoch milliseconds when the fingers have left
 */
export function touchable(onRange: (range: readonly [number, number]) => void, held: Held): uPlot.Plugin {
  const fingers = new Map<number, number>();
  let before: Beginning | null = null;
  /** The range before the first finger came. */
  let first: readonly [number, number] | null = null;

  const rangeNow = (plot: uPlot): readonly [number, number] | null => {
    const { min, max } = plot.scales['x'] ?? {};
    return min === undefined || max === undefined ? null : [min, max];
  };
  const sorted = () => [...fingers.values()].sort((a, b) => a - b);

  function begin(plot: uPlot): void {
    const range = rangeNow(plot);
    const xs = sorted();
    before = range === null || xs.length === 0 ? null : { xs, min: range[0], max: range[1] };
  }

  function move(plot: uPlot): void {
    if (before === null) return;
    const { min, max } = before;
    const xs = sorted();
    if (!held.isTouched && xs.every((x, index) => Math.abs(x - (before?.xs[index] ?? x)) < STILL)) return;
    held.isTouched = true;
    const width = plot.over.clientWidth;
    const [left = 0, right] = xs;
    const [from = 0, to] = before.xs;
    const perPixel = (max - min) / width;
    if (right === undefined || to === undefined) {
      const shift = (from - left) * perPixel;
      plot.setScale('x', { min: min + shift, max: max + shift });
      return;
    }
    const scale = (to - from) / Math.max(right - left, 10);
    const anchor = min + ((from + to) / 2) * perPixel;
    const middle = (left + right) / 2 / width;
    const span = (max - min) * scale;
    plot.setScale('x', { min: anchor - span * middle, max: anchor + span * (1 - middle) });
  }

  return {
    hooks: {
      ready(plot) {
        const { over } = plot;
        over.style.touchAction = 'pan-y';
        const x = (event: PointerEvent) => event.clientX - over.getBoundingClientRect().left;
        over.addEventListener('pointerdown', (event) => {
          if (event.pointerType !== 'touch') return;
          if (fingers.size === 0) first = rangeNow(plot);
          fingers.set(event.pointerId, x(event));
          begin(plot);
        });
        over.addEventListener('pointermove', (event) => {
          if (!fingers.has(event.pointerId)) return;
          fingers.set(event.pointerId, x(event));
          move(plot);
        });
        over.addEventListener('pointerup', (event) => {
          if (!fingers.delete(event.pointerId)) return;
          const range = rangeNow(plot);
          if (fingers.size === 0 && held.isTouched && range !== null) onRange(range);
          if (fingers.size === 0) held.isTouched = false;
          begin(plot);
        });
        over.addEventListener('pointercancel', (event) => {
          if (!fingers.delete(event.pointerId)) return;
          if (held.isTouched && first !== null) plot.setScale('x', { min: first[0], max: first[1] });
          if (fingers.size === 0) held.isTouched = false;
          begin(plot);
        });
      },
    },
  };
}
