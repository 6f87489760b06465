import type { Clock } from '#kernel/clock.ts';
import type { JobDefinition, JobName } from './jobs.port.ts';
import { createSchedule, type Schedule } from './schedule.ts';

export const DEFAULT_ATTEMPTS = 5;

/** A definition as adapters use it: any name, any data. */
export type AnyDefinition = JobDefinition<never> & { readonly name: string };

export interface ScheduledJob {
  readonly definition: AnyDefinition;
  readonly schedule: Schedule;
  readonly expression: string;
}

/** The jobs that a process knows; the same for every adapter. */
export interface Definitions {
  /** @throws for a name that is taken, and for a schedule that is not valid or has no data */
  define(definition: JobDefinition): void;
  /** @throws for a name that nobody defined: a bug of the caller */
  get(name: string): AnyDefinition;
  find(name: string): AnyDefinition | undefined;
  all(): readonly JobDefinition[];
  scheduled(): readonly ScheduledJob[];
  nextTick(name: string): number | null;
}

export function createDefinitions(timeZone: string, clock: Clock): Definitions {
  const known = new Map<string, AnyDefinition>();
  const schedules = new Map<string, ScheduledJob>();

  return {
    define(given) {
      const definition = given as unknown as AnyDefinition;
      const { name, schedule, defaultData } = definition;
      if (known.has(name)) throw new Error(`the job ${name} is defined twice`);
      if (schedule !== undefined) {
        if (defaultData === undefined) throw new Error(`the job ${name} has a schedule and no defaultData`);
        schedules.set(name, { definition, schedule: createSchedule(schedule, timeZone), expression: schedule });
      }
      known.set(name, definition);
    },
    get(name) {
      const definition = known.get(name);
      if (definition === undefined) throw new Error(`there is no job ${name}`);
      return definition;
    },
    find: (name) => known.get(name),
    all: () => [...known.values()] as unknown as readonly JobDefinition<JobName>[],
    scheduled: () => [...schedules.values()],
    nextTick: (name) => schedules.get(name)?.schedule.next(clock.now()) ?? null,
  };
}

/** @throws for an id that no adapter takes: a bug of the caller */
export function checkJobId(id: string): string {
  if (id.length === 0 || id.length > 200) throw new Error(`a job id has 1 to 200 characters, not ${id.length}`);
  return id;
}
