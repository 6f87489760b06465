import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { CommitListener, DocumentSink, Sink } from '#platform/channels/channel.port.ts';
import type { HttpMount } from '#platform/http/http.port.ts';
import type { Jobs } from '#platform/jobs/jobs.port.ts';
import type { MetricRegistry } from '#platform/metrics/metrics.port.ts';
import type { HealthChecks, ModuleParts, Role } from '#platform/module/module.port.ts';
import type { LiveCommand, LiveEvent } from '#platform/realtime/live-event.port.ts';
import type { EventRelay } from '#platform/relay/relay.port.ts';
import { relayEvents } from '#platform/relay/relay-events.ts';
import { createRetentionJobs } from '#platform/retention/retention.jobs.ts';

export interface Assembly {
  readonly routes: readonly HttpMount[];
  /** Of the modules, in start order. */
  readonly components: readonly Component[];
  readonly live: { readonly events: readonly LiveEvent[]; readonly commands: readonly LiveCommand[] };
}

export interface AssemblyDeps {
  readonly roles: ReadonlySet<Role>;
  readonly events: EventBus;
  readonly relay: EventRelay;
  readonly jobs: Pick<Jobs, 'define'>;
  readonly checks: HealthChecks;
  readonly metrics: Pick<MetricRegistry, 'gauges'>;
  readonly clock: Clock;
}

/** Puts the records of the modules together, in their order: what this process does of it, its roles decide. */
export function assemble(modules: readonly ModuleParts[], deps: AssemblyDeps): Assembly {
  const { roles, events, relay, jobs, checks, metrics, clock } = deps;
  const isHere = ({ roles: needed }: { readonly roles?: readonly Role[] | undefined }) =>
    needed === undefined || needed.some((role) => roles.has(role));

  relayEvents({ events, relay, clock }, all(modules, 'relayedEvents'));
  for (const job of all(modules, 'jobs')) jobs.define(job);
  for (const job of createRetentionJobs(all(modules, 'retention'), clock)) jobs.define(job);
  for (const { name, help, labels, read } of all(modules, 'gauges')) metrics.gauges(name, help, labels, read);
  for (const [part, check] of modules.flatMap((each) => Object.entries(each.checks ?? {}))) {
    if (isHere(check)) checks.add(part, check);
  }
  return {
    routes: all(modules, 'routes').filter(({ role = 'api' }) => roles.has(role)),
    components: modules.flatMap((each) => [...listenersOf(each), ...(each.components ?? []).filter(isHere)]),
    live: {
      events: modules.flatMap(({ live }) => live?.events ?? []),
      commands: modules.flatMap(({ live }) => live?.commands ?? []),
    },
  };
}

/** Starts before the components of its module, so that it stops after them. */
function listenersOf({ name, listens }: ModuleParts): readonly Component[] {
  return listens === undefined ? [] : [{ name: `${name} listeners`, stop: async () => listens.end() }];
}

/** What the modules do with what devices send. @throws Error unless exactly one keeps documents */
export function flowOf(modules: readonly ModuleParts[]): {
  readonly sinks: readonly Sink[];
  readonly documents: DocumentSink;
  readonly listeners: readonly CommitListener[];
} {
  const [documents, ...more] = modules.flatMap((each) => each.documents ?? []);
  if (documents === undefined || more.length > 0) throw new Error('exactly one module keeps documents of a batch');
  return { sinks: all(modules, 'sinks'), documents, listeners: all(modules, 'commitListeners') };
}

type ListPart = {
  [K in keyof ModuleParts]-?: NonNullable<ModuleParts[K]> extends readonly unknown[] ? K : never;
}[keyof ModuleParts];

function all<K extends ListPart>(modules: readonly ModuleParts[], part: K): NonNullable<ModuleParts[K]> {
  return modules.flatMap((each) => (each[part] ?? []) as readonly unknown[]) as unknown as NonNullable<ModuleParts[K]>;
}
