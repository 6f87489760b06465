import type { Clock } from '#kernel/clock.ts';
import { repeat } from '#kernel/concurrency.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DeviceScope, DevicesApi } from '#modules/devices/index.ts';
import type { StateStore, WatchStore } from './evaluation.ports.ts';
import type { Evaluation } from './evaluation.service.ts';
import type { RuleIndex } from './rule-index.ts';
import { SILENCE_ALLOWANCE_MS, toDeviceScope } from './silence.ts';

export interface WatchDeps {
  readonly store: WatchStore;
  readonly states: StateStore;
  readonly index: RuleIndex;
  readonly devices: Pick<DevicesApi, 'describe' | 'listInScope'>;
  readonly evaluation: Pick<Evaluation, 'recheck'>;
  readonly forgetDevice: (deviceId: number) => Promise<void>;
  /** Lets rules judge that do not yet although they should. */
  readonly activateRest: () => Promise<void>;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
  /** Of this process: no other one has it. */
  readonly owner: string;
  /** Whether no other process judges. */
  readonly alone: boolean;
}

/**
 * What time alone brings about: silence, and what a process that died left unjudged. One process does it at a time,
 * the one that has the watch.
 */
export interface Watch extends Component {
  tick(): Promise<void>;
  /** Rules or devices have changed: the next tick looks at all of them. */
  look(): void;
  /** Whether a device that is OFFLINE counts as such; after a start they need a moment to come back. */
  countsOffline(): boolean;
  /** Calls `work` at the end of each tick, whoever has the watch. */
  onTick(work: () => Promise<void>): void;
}

const TICK_MS = 5_000;
const WATCH_MS = 3 * TICK_MS;
/** Nobody listened for longer than this: silence of devices begins anew. */
const LONGEST_BREAK_MS = 60_000;
/** By a clock that may be set, in either direction. */
const LOOK_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;
const PAGE = 500;
/** After a start devices are OFFLINE that were not before: so long they have for coming back. */
const RETURN_MS = 60_000;

export function createWatch(deps: WatchDeps): Watch {
  const { store, states, index, devices, evaluation, forgetDevice, activateRest, runtime, owner, alone } = deps;
  const { clock, logger } = runtime;
  let stopped = false;
  let lookAgain = true;
  let activatedAt = Number.NEGATIVE_INFINITY;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let sweptAt: number | null = null;
  let statusSweptAt: number | null = null;
  /** By the monotonic clock. */
  let startedAt: number | null = null;
  let extra: () => Promise<void> = async () => {};

  /** Pages of ids, by id, until there are no more. */
  async function eachPage(
    read: (afterId: number) => Promise<readonly number[]>,
    work: (ids: readonly number[]) => unknown,
  ) {
    for (let afterId = 0; !stopped; ) {
      const ids = await read(afterId);
      if (ids.length > 0) await work(ids);
      if (ids.length < PAGE) return;
      afterId = ids.at(-1) ?? afterId;
    }
  }

  async function inScope(scope: DeviceScope, work: (ids: readonly number[]) => unknown): Promise<void> {
    await eachPage(async (afterId) => (await devices.listInScope(scope, afterId, PAGE)).map(idOf), work);
  }

  /** Whatever is stored and not judged: after a process died, its last samples are. */
  async function sweep(): Promise<void> {
    await eachPage(
      (afterId) => states.deviceIdsAfter(afterId, PAGE),
      async (ids) => {
        const there = new Set((await devices.describe(ids)).map(idOf));
        for (const id of ids) if (!there.has(id)) await forgetDevice(id);
        evaluation.recheck([...there]);
      },
    );
    const rules = [...index.all()];
    const scopes = new Map(rules.map(({ scope }) => [JSON.stringify(scope), scope]));
    const everything = [...scopes.values()].find(({ kind }) => kind === 'all');
    const single: number[] = [];
    for (const scope of everything === undefined ? scopes.values() : [everything]) {
      if (scope.kind === 'device') single.push(scope.deviceId);
      else await inScope(toDeviceScope(scope), (ids) => evaluation.recheck(ids));
    }
    evaluation.recheck(single);
  }

  /** Devices that never sent are known to nobody, unless they are looked for. */
  async function findNewcomers(listeningSince: number): Promise<void> {
    for (const rule of silenceRules()) {
      await inScope(toDeviceScope(rule.scope), async (ids) => {
        evaluation.recheck(await states.unknownTo(rule, ids), { listeningSince });
      });
    }
  }

  async function findSilence(now: number, listeningSince: number): Promise<void> {
    for (const rule of silenceRules()) {
      const before = now - SILENCE_ALLOWANCE_MS - rule.forSeconds * 1_000;
      if (before < listeningSince) continue;
      await eachPage(
        (afterId) => states.silentSince(rule.id, before, afterId, PAGE),
        (ids) => evaluation.recheck(ids, { listeningSince }),
      );
    }
  }

  /** Rules for `offline`: durations that are over, and after a start and now and then, what nobody was told of. */
  async function findOffline(now: number): Promise<void> {
    if (!countsOffline()) return;
    const lookAtAll = statusSweptAt === null || Math.abs(now - statusSweptAt) >= SWEEP_EVERY_MS;
    if (lookAtAll) statusSweptAt = now;
    const recheck = (ids: readonly number[]) => evaluation.recheck(ids, { statusAt: now });
    for (const rule of index.all()) {
      if (rule.condition !== 'offline') continue;
      if (lookAtAll) await inScope(toDeviceScope(rule.scope), recheck);
      else await eachPage((afterId) => states.statusDue(rule, now, afterId, PAGE), recheck);
    }
  }

  const countsOffline = () => startedAt !== null && clock.monotonic() - startedAt >= RETURN_MS;
  const silenceRules = () => [...index.all()].filter(({ condition }) => condition === 'no_data');

  async function tick(): Promise<void> {
    const now = clock.now();
    startedAt ??= clock.monotonic();
    const passed = clock.monotonic();
    if (passed - activatedAt >= LOOK_EVERY_MS) {
      activatedAt = passed;
      await activateRest();
    }
    // A process that is alone writes nothing while there is nothing to watch for.
    const idle = alone && silenceRules().length === 0;
    const listeningSince = idle ? null : await store.keep(owner, now, now + WATCH_MS, LONGEST_BREAK_MS);
    // At its start each process looks after what it may have left behind itself.
    if (sweptAt === null || (listeningSince !== null && !alone && passed - sweptAt >= SWEEP_EVERY_MS)) {
      sweptAt = passed;
      await sweep();
    }
    if (listeningSince !== null || alone) await findOffline(now);
    if (listeningSince === null) return;
    if (lookAgain || passed - lookedAt >= LOOK_EVERY_MS) {
      lookAgain = false;
      lookedAt = passed;
      await findNewcomers(listeningSince);
    }
    await findSilence(now, listeningSince);
  }

  async function guarded(): Promise<void> {
    try {
      await tick();
      await extra();
    } catch (error) {
      lookAgain = true;
      if (!stopped) logger.warn({ err: error }, 'looking for silent devices failed; it is tried again');
    }
  }

  const ticks = repeat(TICK_MS, guarded);

  return {
    name: 'alert watch',
    tick,
    countsOffline,
    look() {
      lookAgain = true;
    },
    onTick(work) {
      extra = work;
    },
    async start() {
      ticks.start();
      void ticks.run();
    },
    async stop() {
      stopped = true;
      await ticks.stop();
    },
  };
}

function idOf({ deviceId }: { readonly deviceId: number }): number {
  return deviceId;
}
