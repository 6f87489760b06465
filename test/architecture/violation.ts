/** What a rule reports. `where` is a path from the root of the checked tree, `what` the import or code that is wrong. */
export interface Violation {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}

/** One line a violation, sorted, so that a failing test reads like a compiler's output. */
export function print(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ rule, where, what }) => `${rule}: ${where} → ${what}`).sort();
}
