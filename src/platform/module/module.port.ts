import type { EventScope, EventType } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { CommitListener, DocumentSink, Sink } from '#platform/channels/channel.port.ts';
import type { HttpMount } from '#platform/http/http.port.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { LabelledValue } from '#platform/metrics/metrics.port.ts';
import type { LiveCommand, LiveEvent } from '#platform/realtime/live-event.port.ts';
import type { Retention } from '#platform/retention/retention.port.ts';

/** What a process may do; one does all of it unless it is told otherwise. */
export type Role = 'api' | 'ingest' | 'worker' | 'scheduler';

/**
 * What a module brings into the system, all of it optional but the name. Every `createXModule` answers this record, with
 * its `api` for other modules beside it; the composition root puts the records together and knows no module's inside.
 */
export interface ModuleParts {
  /** Its folder. */
  readonly name: string;
  readonly routes?: readonly ModuleRoutes[];
  /** Events of its own that every process has to know at once; handlers act within their own process. */
  readonly relayedEvents?: readonly EventType[];
  /** What people who are connected are sent, and may ask. */
  readonly live?: { readonly events: readonly LiveEvent[]; readonly commands?: readonly LiveCommand[] };
  /** What it listens to; its handlers are removed after its components have stopped. */
  readonly listens?: EventScope;
  readonly jobs?: readonly JobDefinition[];
  readonly retention?: readonly Retention[];
  /** In start order; stopped in reverse. They start after those of the modules before, and before the edges. */
  readonly components?: readonly ModuleComponent[];
  /** Name of the part of the system → how it is. */
  readonly checks?: Readonly<Record<string, ModuleCheck>>;
  readonly gauges?: readonly ModuleGauge[];
  /** What becomes of what devices send, before it is acknowledged. */
  readonly sinks?: readonly Sink[];
  readonly documents?: DocumentSink;
  /** What happens once a batch is on disk. */
  readonly commitListeners?: readonly CommitListener[];
}

/** A record in which these parts are not missing. */
export type ModuleWith<K extends keyof ModuleParts> = ModuleParts & Required<Pick<ModuleParts, K>>;

export interface ModuleRoutes extends HttpMount {
  /** Mounted in processes of this role. Absent: `api`. */
  readonly role?: Role;
}

export interface ModuleComponent extends Component {
  /** In processes of one of these roles. Absent: in every one. */
  readonly roles?: readonly Role[];
}

/** @returns what there is to say beyond that it answers, if anything. Rejects when the part is away. */
export type HealthCheck = () => Promise<unknown>;

export interface PartCheck {
  /** For the readiness probe: rejects while requests would fail. Absent: it has no say in that. */
  readonly ready?: (() => Promise<void>) | undefined;
  /** For `GET /health`; absent: as `ready`. */
  readonly health?: HealthCheck | undefined;
}

/** Where the parts of a process register how one sees that they are well: all of them before it starts. */
export interface HealthChecks {
  /** @param part its name, for people; the last one of a name counts */
  add(part: string, check: PartCheck): void;
  /** Part → how one sees that it can do its work. */
  ready(): Readonly<Record<string, () => Promise<void>>>;
  /** Part → how it is. */
  all(): Readonly<Record<string, HealthCheck>>;
}

export interface ModuleCheck extends PartCheck {
  /** In processes of one of these roles. Absent: in every one. */
  readonly roles?: readonly Role[];
}

export interface ModuleGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Called at each scrape. */
  read(): Promise<readonly LabelledValue[]>;
}
