const DAY_MS = 86_400_000;

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
