import type uPlot from 'uplot';

const DAY_MS = 86_400_000;

/** The label of the edges of a band, which legends leave out. */
export const EDGE = '\u2060';

/** Indices of points that no line leads to or from: they would not be seen. Undefined values are of other lines. */
export function alone(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  let isAlone = false;
  let last = -1;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (value === undefined) continue;
    if (value === null) {
      if (isAlone) found.push(last);
      isAlone = false;
      last = -1;
      continue;
    }
    isAlone = last === -1;
    last = index;
  }
  if (isAlone) found.push(last);
  return found;
}

/**
 * Labels of an axis of time in the language and zone of the viewer: the time, and below it the date where it changes.
 * @param instants epoch milliseconds
 * @param stepMs between two of them
 */
export function timeLabels(instants: readonly number[], stepMs: number, language: string): string[] {
  const time = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(stepMs < 60_000 ? { second: '2-digit' as const } : {}),
  });
  const date = new Intl.DateTimeFormat(language, { month: 'numeric', day: 'numeric' });
  let before = '';
  return instants.map((at) => {
    const day = date.format(at);
    const isNew = day !== before;
    before = day;
    if (stepMs >= DAY_MS) return day;
    return isNew ? `${time.format(at)}\n${day}` : time.format(at);
  });
}

/** A point that stands out, with a ring around it. */
export interface MarkedPoint {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
  readonly color: string;
}

export function drawPoints(plot: uPlot, points: readonly MarkedPoint[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const { at, value, color } of points) {
    const x = plot.valToPos(at, 'x', true);
    const y = plot.valToPos(value, 'y', true);
    if (x < bbox.left || x > bbox.left + bbox.width || y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = color;
    ctx.beginPath();
    ctx.arc(x, y, 5 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

interface Ink {
  readonly text: string;
  readonly paper: string;
}

/** What a chart shows as a PNG, with its title and the names of its lines. @throws when the browser makes none */
export async function toPicture(plot: uPlot, title: string, { text, paper }: Ink): Promise<Blob> {
  const source = plot.ctx.canvas;
  const line = 20 * devicePixelRatio;
  const named = plot.series.slice(1).filter(({ label, show }) => show !== false && label !== EDGE);
  const canvas = document.createElement('canvas');
  canvas.width = source.width;
  canvas.height = source.height + line * (named.length + 2);
  const ctx = canvas.getContext('2d');
  if (ctx === null) throw new Error('no canvas');
  ctx.fillStyle = paper;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.font = `${13 * devicePixelRatio}px sans-serif`;
  ctx.fillStyle = text;
  ctx.fillText(title, line / 2, line);
  ctx.drawImage(source, 0, line * 1.5);
  named.forEach((series, index) => {
    const y = source.height + line * (2.2 + index);
    ctx.fillStyle = typeof series.stroke === 'function' ? String(series.stroke(plot, index + 1)) : text;
    ctx.fillRect(line / 2, y - line * 0.4, line, line * 0.2);
    ctx.fillStyle = text;
    ctx.fillText(String(series.label), line * 2, y);
  });
  return await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no picture')) : resolve(blob)), 'image/png');
  });
}
