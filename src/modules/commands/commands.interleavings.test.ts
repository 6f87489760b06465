import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventType } from '#kernel/events.ts';
import { expectLawful, FINAL } from '#test/support/command-laws.ts';
import { type CommandsHarness, type CommandsRun, createCommandsHarness } from '#test/support/commands.ts';
import { killable } from '#test/support/killable-sql.ts';

type Op =
  | { readonly kind: 'create'; readonly deliver: string; readonly name: string; readonly ttl: number }
  | { readonly kind: 'listen' | 'disconnect' | 'puback' | 'kill'; readonly process: number }
  | { readonly kind: 'answer'; readonly which: number; readonly status: string; readonly process: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'sweep' };

const process = fc.nat(1);
const which = fc.nat(20);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      deliver: fc.constantFrom('queue', 'queue', 'now', 'latest_only'),
      name: fc.constantFrom('a', 'b'),
      ttl: fc.constantFrom(1, 3_600),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('listen' as const, 'disconnect' as const, 'puback' as const),
      process,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), process }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which,
      status: fc.constantFrom('progress', 'success', 'error'),
      process,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 500, 2_500) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
);
/** `isAwaited`: the next one begins when it is over, not beside it. */
const steps = fc.array(fc.record({ op, isAwaited: fc.boolean() }), { maxLength: 40 });

/** One or two processes on one store, one device, and what the test knows of its commands. */
class World {
  readonly #h: CommandsHarness;
  readonly #count: number;
  readonly #runs: { run: CommandsRun; kill(): void }[] = [];
  /** Of each process. */
  readonly #killed: PromiseWithResolvers<void>[] = [];
  readonly #device: { readonly id: number; readonly device_uid: string };
  /** In the order of their creation. */
  readonly made: string[] = [];
  /** Final states that an answer or a cancellation was told to have led to. */
  readonly told = new Map<string, string[]>();
  readonly received: string[] = [];

  constructor(h: CommandsHarness, count: number, device: { readonly id: number; readonly device_uid: string }) {
    this.#h = h;
    this.#count = count;
    this.#device = device;
  }

  async begin(): Promise<void> {
    for (let index = 0; index < this.#count; index++) {
      this.#killed[index] = Promise.withResolvers();
      await this.#start(index);
    }
  }

  async #start(index: number): Promise<void> {
    const store = killable(this.#h.devices.sql);
    const run = await this.#h.start({ alone: this.#count === 1, sql: store.sql });
    const slot = { run, kill: store.kill };
    for (const type of (run.module.relayedEvents ?? []) as EventType[]) {
      run.bus.on(type, ({ at, data, origin }) => {
        if (origin === 'relay') return;
        for (const other of this.#runs) if (other !== slot) other.run.bus.emit(type, at, data as never, 'relay');
      });
    }
    this.#runs[index] = slot;
  }

  #process(index: number): { run: CommandsRun; kill(): void } {
    return this.#runs[index % this.#count] as { run: CommandsRun; kill(): void };
  }

  /** Resolves when it is over, or the process that was asked is killed, which never answers. */
  async do(op: Op): Promise<void> {
    const asked = op.kind === 'answer' ? op.process % this.#count : 0;
    const killed = this.#killed[asked]?.promise;
    // A kill is over when the next process runs.
    await (op.kind === 'kill' ? this.#do(op) : Promise.race([this.#do(op), killed]));
  }

  async #do(op: Op): Promise<void> {
    const { id, device_uid } = this.#device;
    const path = `/api/v1/devices/${id}/commands`;
    const as = this.#h.devices.actors.ADMIN;
    const { app } = this.#process(0).run;
    switch (op.kind) {
      case 'create': {
        const body = { command: op.name, deliver: op.deliver, ttl_seconds: op.ttl };
        const answer = await app.request({ method: 'POST', url: path, as, body });
        if (answer.status === 201) this.made.push(answer.json().command_id);
        return;
      }
      case 'listen':
        this.#process(op.process).run.broker.listen(id, device_uid);
        return;
      case 'disconnect': {
        const { broker } = this.#process(op.process).run;
        const [first] = broker.connections();
        if (first !== undefined) broker.disconnect(first);
        return;
      }
      case 'puback': {
        const { broker } = this.#process(op.process).run;
        for (const connection of broker.connections()) broker.acknowledge(connection);
        return;
      }
      case 'kill': {
        const index = op.process % this.#count;
        const { run, kill } = this.#process(index);
        kill();
        this.#collect(run);
        run.abandon();
        await this.#start(index);
        this.#killed[index]?.resolve();
        this.#killed[index] = Promise.withResolvers();
        return;
      }
      case 'answer': {
        const command_id = this.made[op.which];
        if (command_id === undefined) return;
        const outcome = await this.#process(op.process).run.answer(id, { command_id, status: op.status });
        if (outcome !== 'stored' || op.status === 'progress') return;
        this.#tell(command_id, op.status === 'success' ? 'SUCCEEDED' : 'FAILED');
        return;
      }
      case 'cancel': {
        const command_id = this.made[op.which];
        if (command_id === undefined) return;
        const answer = await app.request({ method: 'POST', url: `${path}/${command_id}/cancel`, as });
        if (answer.status === 200) this.#tell(command_id, 'CANCELLED');
        return;
      }
      case 'time':
        this.#h.devices.clock.advance(op.ms);
        return;
      case 'sweep':
        await this.#sweep();
    }
  }

  #tell(commandId: string, status: string): void {
    this.told.set(commandId, [...(this.told.get(commandId) ?? []), status]);
  }

  #collect({ broker }: CommandsRun): void {
    this.received.push(...broker.sent.map(({ payload }) => JSON.parse(payload).command_id));
  }

  async #sweep(): Promise<void> {
    const job = this.#process(0).run.module.jobs.find(({ name }) => name === 'expire_commands');
    await job?.run({} as never, { signal: AbortSignal.timeout(10_000) } as never);
  }

  async list(): Promise<
    readonly { command_id: string; status: string; deliver: string; history: { status: string; at: string }[] }[]
  > {
    const answer = await this.#process(0).run.app.request({
      url: `/api/v1/devices/${this.#device.id}/commands`,
      as: this.#h.devices.actors.ADMIN,
      query: { size: 100, sort: 'id' },
    });
    return answer.json().items;
  }

  /** The device comes back and does whatever it is told. @returns when nothing is left to do */
  async settle(): Promise<void> {
    this.#h.devices.clock.advance(2_500);
    const { run } = this.#process(0);
    for (const { run: each } of this.#runs) {
      for (const connection of each.broker.connections()) each.broker.disconnect(connection);
    }
    const connection = run.broker.listen(this.#device.id, this.#device.device_uid);
    const done = new Set<string>();
    const from = run.broker.sent.length;
    for (let quiet = 0; quiet < 3; ) {
      await this.#sweep();
      run.broker.acknowledge(connection);
      const news = run.broker.sent
        .slice(from)
        .map(({ payload }) => JSON.parse(payload).command_id as string)
        .filter((id) => !done.has(id));
      for (const command_id of news) {
        done.add(command_id);
        await run.answer(this.#device.id, { command_id, status: 'success' });
      }
      quiet = news.length === 0 ? quiet + 1 : 0;
    }
    for (const { run: each } of this.#runs) this.#collect(each);
  }

  async expire(): Promise<void> {
    this.#h.devices.clock.advance(3_600_000);
    await this.#sweep();
  }

  async end(): Promise<void> {
    for (const { run } of this.#runs) await run.end();
  }
}

let h: CommandsHarness;
beforeAll(async () => {
  h = await createCommandsHarness();
});
afterAll(() => h.close());

async function check(count: number, given: readonly { readonly op: Op; readonly isAwaited: boolean }[]) {
  const world = new World(h, count, await h.devices.device());
  await world.begin();
  const beside: Promise<void>[] = [];
  for (const { op: each, isAwaited } of given) {
    const work = world.do(each);
    if (isAwaited) await work;
    else beside.push(work);
  }
  await Promise.all(beside);
  await world.settle();
  const settled = await world.list();
  const sends = (id: string) => world.received.filter((each) => each === id).length;
  for (const { command_id, status } of settled) {
    // What is open now was begun, and ended for the device, or was sent as often as a command is.
    if (!FINAL.includes(status)) expect([status, sends(command_id)]).toSatisfy(isLeft);
  }
  await world.expire();
  const commands = await world.list();
  const ids = commands.map(({ command_id }) => command_id);
  expect(ids).toEqual([...new Set(ids)]);
  expect(world.made.filter((id) => !ids.includes(id))).toEqual([]);
  expect(world.received.filter((id) => !ids.includes(id))).toEqual([]);
  for (const command of commands) {
    const { command_id, status } = command;
    expectLawful(command);
    // Who was told that it counted was told the truth.
    for (const told of world.told.get(command_id) ?? []) expect(told).toBe(status);
  }
  await world.end();
}

function isLeft([status, sends]: readonly [string, number]): boolean {
  return status === 'IN_PROGRESS' || sends >= 5;
}

describe('whatever is done in whatever order, every command ends once and nothing is lost or doubled', () => {
  for (const [name, count] of [
    ['by one process', 1],
    ['by two processes on one store', 2],
  ] as const) {
    test(name, { timeout: 240_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(steps, (given) => check(count, given)),
        { numRuns: 60 },
      );
    });
  }
});
