import { parseArgs } from 'node:util';
import type { Report } from './report.ts';

export interface Scenario<Name extends string = string> {
  readonly summary: string;
  readonly options: Readonly<Record<Name, Option>>;
  run(options: Readonly<Record<Name, number>>): Promise<Report>;
}

export interface Option {
  readonly default: number;
  readonly help: string;
}

/** Ties the names of the options to what `run` receives. */
export function defineScenario<Name extends string>(scenario: Scenario<Name>): Scenario<Name> {
  return scenario;
}

/** @throws Error that says what is wrong */
export function parseOptions(scenario: Scenario, args: readonly string[]): Record<string, number> {
  const options = Object.fromEntries(Object.keys(scenario.options).map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
  return Object.fromEntries(
    Object.entries(scenario.options).map(([name, option]) => {
      const value = Number(values[name] ?? option.default);
      if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} takes a number, not "${values[name]}"`);
      return [name, value];
    }),
  );
}
