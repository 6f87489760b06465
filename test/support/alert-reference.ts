/*
 * What docs/alerts.md says, written down a second time: slow, obvious, and without a look at the evaluator. It keeps
 * no state: at every step it looks back over everything that was ever judged.
 */

export interface ReferenceRule {
  readonly condition: string;
  readonly threshold: unknown;
  readonly clearThreshold: unknown;
  readonly forSeconds: number;
  readonly clearForSeconds: number;
  readonly cooldownSeconds: number;
}

export interface ReferenceReading {
  readonly timestamp: number;
  readonly value: number | boolean | string;
}

export interface ReferenceAlert {
  readonly startedAt: number;
  readonly value: unknown;
  readonly occurrences: number;
  readonly lastSeenAt: number;
  readonly lastValue: unknown;
  readonly clearedAt: number | null;
}

/**
 * Readings in the order in which they are judged: round by round, in each by time. One that is not newer than all
 * before it is late and left out; of two with one time in one round the later given counts.
 */
function judgedReadings(
  rule: ReferenceRule,
  rounds: readonly (readonly ReferenceReading[])[],
): readonly ReferenceReading[] {
  const judged: ReferenceReading[] = [];
  for (const round of rounds) {
    const times = [...new Set(round.map(({ timestamp }) => timestamp))].sort((a, b) => a - b);
    for (const time of times) {
      const reading = round.findLast(({ timestamp }) => timestamp === time);
      if (reading === undefined || holds(rule, reading.value) === 'cannot be compared') continue;
      if (judged.every(({ timestamp }) => timestamp < time)) judged.push(reading);
    }
  }
  return judged;
}

export function referenceAlerts(
  rule: ReferenceRule,
  rounds: readonly (readonly ReferenceReading[])[],
): readonly ReferenceAlert[] {
  const readings = judgedReadings(rule, rounds);
  const time = (index: number) => readings[index]?.timestamp ?? 0;
  const is = readings.map(({ value }) => holds(rule, value) === true);
  const isOver = readings.map(({ value }) => holds(rule, value) === false && backFarEnough(rule, value));
  const every = (flags: readonly boolean[], from: number, to: number) => flags.slice(from, to + 1).every(Boolean);
  /** The first index from `from` on that ends a run of `flags`, all within `from`.., that is `seconds` long. */
  const endOfRun = (flags: readonly boolean[], from: number, seconds: number, notBefore: number) =>
    readings.findIndex(
      (_, end) =>
        end >= from &&
        time(end) >= notBefore &&
        readings.some((_, start) => {
          const isRun = start >= from && start <= end && every(flags, start, end);
          return isRun && time(end) - time(start) >= seconds * 1_000;
        }),
    );

  const alerts: ReferenceAlert[] = [];
  for (let from = 0; ; ) {
    const rest = alerts.at(-1)?.clearedAt;
    const notBefore = typeof rest === 'number' ? rest + rule.cooldownSeconds * 1_000 : Number.NEGATIVE_INFINITY;
    const start = endOfRun(is, from, rule.forSeconds, notBefore);
    if (start === -1) return alerts;
    const end = endOfRun(isOver, start + 1, rule.clearForSeconds, Number.NEGATIVE_INFINITY);
    const during = readings.filter((_, index) => index >= start && (end === -1 || index < end) && is[index]);
    const last = during.at(-1);
    alerts.push({
      startedAt: time(start),
      value: readings[start]?.value,
      occurrences: during.length,
      lastSeenAt: last?.timestamp ?? 0,
      lastValue: last?.value,
      clearedAt: end === -1 ? null : time(end),
    });
    if (end === -1) return alerts;
    from = end + 1;
  }
}

function holds({ condition, threshold }: ReferenceRule, value: unknown): boolean | 'cannot be compared' {
  const same =
    asNumber(value) === null || asNumber(threshold) === null
      ? value === threshold
      : asNumber(value) === asNumber(threshold);
  if (condition === 'eq') return same;
  if (condition === 'ne') return !same;
  const number = asNumber(value);
  if (number === null) return 'cannot be compared';
  const [low, high] = Array.isArray(threshold) ? (threshold as [number, number]) : [Number.NaN, Number.NaN];
  const limit = threshold as number;
  switch (condition) {
    case 'gt':
      return number > limit;
    case 'gte':
      return number >= limit;
    case 'lt':
      return number < limit;
    case 'lte':
      return number <= limit;
    case 'inside':
      return low <= number && number <= high;
    default:
      return number < low || high < number;
  }
}

function backFarEnough({ condition, clearThreshold }: ReferenceRule, value: unknown): boolean {
  const number = asNumber(value);
  if (clearThreshold === null || number === null) return true;
  const [low, high] = Array.isArray(clearThreshold) ? (clearThreshold as [number, number]) : [Number.NaN, Number.NaN];
  if (condition === 'outside') return low <= number && number <= high;
  if (condition === 'inside') return number <= low || high <= number;
  const limit = clearThreshold as number;
  return condition.startsWith('g') ? number <= limit : number >= limit;
}

function asNumber(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}
