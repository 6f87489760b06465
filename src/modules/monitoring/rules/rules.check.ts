import { AppError, type FieldError, isAppError } from '#kernel/errors.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import type { Condition, Range, RuleInput, RuleTerms, Threshold } from './rules.ports.ts';

/** Silence is looked for every few seconds: less than this cannot be told from a device that is a little late. */
const MIN_SILENCE_SECONDS = 10;

/**
 * Whether the parts of a rule fit together; each part for itself was checked by its schema.
 * @throws AppError `alert_rule_invalid` that names every part that does not fit
 */
export function checkRule(rule: RuleInput): void {
  const fields = [
    ...metricProblems(rule),
    ...thresholdProblems(rule),
    ...clearProblems(rule),
    ...silenceProblems(rule),
  ];
  if (fields.length > 0) throw invalidRule(fields);
}

export function invalidRule(fields: readonly FieldError[]): AppError {
  return monitoringErrors.alert_rule_invalid({ details: { fields } });
}

/** Runs `work` on a rule that is the field `path` of something: the fields that its errors name are within that. */
export async function within<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error) || error.details.fields === undefined) throw error;
    const fields = error.details.fields.map((field) => ({ ...field, path: `${path}${field.path}` }));
    const options = { detail: error.message, details: { ...error.details, fields }, cause: error };
    throw new AppError(error.kind, error.code, error.message, options);
  }
}

function* metricProblems({ condition, metric }: RuleTerms): Generator<FieldError> {
  if ((condition === 'offline') === (metric === '')) return;
  yield { path: '/metric', message: `must be ${metric === '' ? 'given' : 'left out'} for ${condition}` };
}

function* thresholdProblems({ condition, threshold }: RuleTerms): Generator<FieldError> {
  const path = '/threshold';
  if (condition === 'no_data' || condition === 'offline') {
    if (threshold !== null) yield { path, message: `must be left out for ${condition}` };
  } else if (takesRange(condition)) {
    if (!isRange(threshold)) yield { path, message: `must be [low, high] for ${condition}` };
    else if (threshold[0] >= threshold[1]) yield { path, message: 'must have its low below its high' };
  } else if (condition === 'eq' || condition === 'ne') {
    if (threshold === null || isRange(threshold)) {
      yield { path, message: `must be a number, a boolean or a string for ${condition}` };
    }
  } else if (typeof threshold !== 'number') {
    yield { path, message: `must be a number for ${condition}` };
  }
}

function* clearProblems({ condition, threshold, clearThreshold }: RuleTerms): Generator<FieldError> {
  if (clearThreshold === null) return;
  const path = '/clear_threshold';
  if (condition === 'no_data' || condition === 'offline' || condition === 'eq' || condition === 'ne') {
    yield { path, message: `must be left out for ${condition}` };
    return;
  }
  if (!takesRange(condition)) {
    if (isRange(clearThreshold)) yield { path, message: `must be a number for ${condition}` };
    else if (typeof threshold === 'number') yield* beyond(condition, threshold, clearThreshold);
    return;
  }
  if (!isRange(clearThreshold)) {
    yield { path, message: `must be [low, high] for ${condition}` };
  } else if (isRange(threshold)) {
    const [inner, outer] = condition === 'outside' ? [clearThreshold, threshold] : [threshold, clearThreshold];
    if (inner[0] < outer[0] || inner[1] > outer[1]) {
      yield { path, message: `must lie ${condition === 'outside' ? 'within' : 'around'} the threshold` };
    } else if (clearThreshold[0] > clearThreshold[1]) {
      yield { path, message: 'must have its low not above its high' };
    }
  }
}

function* beyond(condition: Condition, threshold: number, clearThreshold: number): Generator<FieldError> {
  const above = condition === 'gt' || condition === 'gte';
  if (above ? clearThreshold > threshold : clearThreshold < threshold) {
    yield { path: '/clear_threshold', message: `must not be ${above ? 'above' : 'below'} the threshold` };
  }
}

function* silenceProblems({ condition, forSeconds }: RuleTerms): Generator<FieldError> {
  if (condition === 'no_data' && forSeconds < MIN_SILENCE_SECONDS) {
    yield { path: '/for_seconds', message: `must be ${MIN_SILENCE_SECONDS} or more for no_data` };
  }
}

function takesRange(condition: Condition): boolean {
  return condition === 'outside' || condition === 'inside';
}

function isRange(threshold: Threshold | null): threshold is Range {
  return Array.isArray(threshold);
}
