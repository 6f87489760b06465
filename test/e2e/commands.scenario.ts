import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/main/commands/fleet/device-model.ts';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { type CommandDevice, createCommandDevice } from '../support/command-device.ts';
import { expectNothingLostOrDoubled, FINAL, type ShownCommand } from '../support/command-laws.ts';
import { freePort, type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';

const DEVICES = 8;
const OPERATIONS = 30;
const KILLS = 4;
/** Seconds until a command expires: while something is done, or long after all of it. */
const LIVES = [1, 3_600, 3_600];
/** Looks, two a second, after which a command that the device has still not received is one that was sent as often as it is sent. */
const GIVEN_UP = 12;

export interface CommandsInstallation {
  /** Of all processes. */
  readonly settings: ServerSettings;
  readonly processes: number;
  /** Devices connect to the processes, each of which has a broker; else to one outside. */
  readonly brokers: 'embedded' | 'external';
  close(): void;
}

/** The life of commands on the real processes, some of which are killed meanwhile. */
export function commandsScenario(name: string, install: () => Promise<CommandsInstallation>): void {
  describe(`commands ${name}`, () => {
    let installation: CommandsInstallation;
    let world: World;
    beforeAll(async () => {
      installation = await install();
      world = await startWorld(installation);
    });
    afterAll(async () => {
      await world?.close();
      installation?.close();
    });

    test('whatever is done and killed, each ends once, by the diagram, nothing is doubled or lost, and they are sent in order', async () => {
      const seed = Number(process.env['TEST_SEED'] ?? randomInt(2 ** 31));
      process.stdout.write(`commands ${name}: TEST_SEED=${seed}\n`);
      const lives = await Promise.all(
        Array.from({ length: DEVICES }, async (_, index) => new Life(world, await world.register(), seed + index)),
      );
      const killing = world.killNowAndThen(createRandom(seed - 1), KILLS);
      await Promise.all([...lives.map((life) => life.live()), killing]);
      const commands = await Promise.all(lives.map((life) => life.settle()));
      for (const [index, life] of lives.entries()) {
        life.check(commands[index] as readonly ShownCommand[]);
        await life.close();
      }
      const all = commands.flat().map(({ status }) => status);
      const counts = FINAL.map((status) => `${all.filter((each) => each === status).length} ${status}`);
      process.stdout.write(`${all.length} commands: ${counts.join(', ')}\n`);
      expect(all.filter((status) => status === 'SUCCEEDED').length).toBeGreaterThan(0);
    }, 180_000);

    test('a request with wait_seconds is answered as soon as the device has answered, whichever process it asked', async () => {
      const registered = await world.register();
      const device = createCommandDevice(registered);
      device.answerAll();
      const holder = world.brokerUrl(0);
      device.connect(holder, true);
      for (let asked = 0; asked < installation.processes; asked += 1) {
        const order = { command: 'echo', wait_seconds: 60 };
        const command = await world.call(asked, 'POST', `/api/v1/devices/${registered.id}/commands`, order);
        expect(command).toMatchObject({ status: 'SUCCEEDED' });
      }
      await device.close();
    }, 30_000);

    test('one process sends, that which has the connection or made the command: a device that stays gets it once', async () => {
      const registered = await world.register();
      const device = createCommandDevice(registered);
      device.answerAll();
      device.connect(world.brokerUrl(installation.processes - 1), true);
      const path = `/api/v1/devices/${registered.id}/commands`;
      const ask = (n: number): Promise<ShownCommand> =>
        world.call(n % installation.processes, 'POST', path, { command: 'echo', wait_seconds: 60 });
      // While the device arrives, who hears of it may send as well.
      await ask(0);
      const made: ShownCommand[] = [];
      for (let n = 0; n < 10; n += 1) made.push(await ask(n));
      const times = (of: readonly ShownCommand[]) => of.map(({ command_id }) => device.times.get(command_id) ?? 0);
      expect(made.map(({ status }) => status)).toEqual(made.map(() => 'SUCCEEDED'));
      expect(times(made)).toEqual(made.map(() => 1));

      const together = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n)));
      expect(together.map(({ status }) => status)).toEqual(together.map(() => 'SUCCEEDED'));
      // Without a connection of their own, two that are asked at once send what waits rather than break the order.
      const most = installation.brokers === 'embedded' ? 1 : installation.processes;
      expect(Math.max(...times(together))).toBeLessThanOrEqual(most);
      const { items } = await world.call(0, 'GET', `${path}?size=100&sort=id`);
      expect(device.received).toEqual(items.map((each: ShownCommand) => each.command_id));
      await device.close();
    }, 60_000);
  });
}

interface World {
  readonly processes: number;
  readonly brokers: CommandsInstallation['brokers'];
  register(): Promise<RegisteredDevice>;
  brokerUrl(process: number): string;
  /** Asks this process again until it answers; while it is killed and starts, too. @throws on an answer of 4xx */
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
  call(process: number, method: string, path: string, body?: unknown, key?: string): Promise<any>;
  killNowAndThen(random: () => number, kills: number): Promise<void>;
  close(): Promise<void>;
}

async function startWorld({ settings, processes, brokers }: CommandsInstallation): Promise<World> {
  const slots: { readonly settings: ServerSettings; server: ServerProcess }[] = [];
  for (let index = 0; index < processes; index += 1) {
    const ports: ServerSettings = {
      HTTP_PORT: String(await freePort()),
      ...(brokers === 'embedded' ? { MQTT_PORT: String(await freePort()) } : {}),
    };
    const own = { ...settings, ...ports };
    slots.push({ settings: own, server: await startServer(own) });
  }
  const slot = (index: number) => slots[index % slots.length] as (typeof slots)[number];
  const api: ApiClient = await signInAsSuperuser(slot(0).server, settings);
  return {
    processes,
    brokers,
    register: () => api.registerDevice(),
    brokerUrl: (index) => slot(index).server.mqttUrl,
    async call(index, method, path, body, key) {
      for (;;) {
        const answer = await fetch(`${slot(index).server.httpUrl}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${api.token}`,
            'content-type': 'application/json',
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          body: method === 'GET' ? null : JSON.stringify(body ?? {}),
        })
          .then(async (response) => ({ status: response.status, body: await response.json() }))
          .catch(() => null);
        if (answer !== null && answer.status < 300) return answer.body;
        if (answer !== null && answer.status < 500) throw new Refused(answer.status, JSON.stringify(answer.body));
        await sleep(100);
      }
    },
    async killNowAndThen(random, kills) {
      for (let kill = 0; kill < kills; kill += 1) {
        await sleep(500 + 1_500 * random());
        const killed = slot(Math.floor(random() * slots.length));
        await killed.server.end('SIGKILL');
        killed.server = await startServer(killed.settings);
      }
    },
    async close() {
      await Promise.all(slots.map(({ server }) => server.end('SIGKILL')));
    },
  };
}

class Refused extends Error {
  readonly status: number;
  constructor(status: number, body: string) {
    super(`answered ${status}: ${body}`);
    this.status = status;
  }
}

/** One device and the person who uses it, who do something at random, one after the other. */
class Life {
  readonly #world: World;
  readonly #registered: RegisteredDevice;
  readonly #device: CommandDevice;
  readonly #random: () => number;
  readonly #made: string[] = [];
  readonly #told = new Map<string, string>();

  constructor(world: World, registered: RegisteredDevice, seed: number) {
    this.#world = world;
    this.#registered = registered;
    this.#device = createCommandDevice(registered);
    this.#random = createRandom(seed);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }

  get #path(): string {
    return `/api/v1/devices/${this.#registered.id}/commands`;
  }

  async live(): Promise<void> {
    const operations = [
      ...[this.#create, this.#create, this.#create, this.#create],
      ...[this.#connect, this.#connect, this.#answer, this.#answer, this.#progress],
      ...[this.#disconnect, this.#hold, this.#release, this.#cancel],
    ];
    for (let done = 0; done < OPERATIONS; done += 1) {
      await this.#pick(operations).call(this);
      await sleep(250 * this.#random());
    }
  }

  async #create(): Promise<void> {
    const order = {
      command: this.#pick(['a', 'b']),
      deliver: this.#pick(['queue', 'queue', 'now', 'latest_only']),
      ttl_seconds: this.#pick(LIVES),
      wait_seconds: this.#pick([0, 0, 1]),
    };
    const asked = this.#pick([0, 1]);
    const command = await this.#world.call(asked, 'POST', this.#path, order, randomUUID());
    this.#made.push(command.command_id);
    if (FINAL.includes(command.status)) this.#told.set(command.command_id, command.status);
  }

  async #connect(): Promise<void> {
    this.#device.connect(this.#world.brokerUrl(this.#pick([0, 1])), this.#random() < 0.9);
  }

  async #disconnect(): Promise<void> {
    this.#device.disconnect(this.#random() < 0.5);
  }

  async #hold(): Promise<void> {
    this.#device.hold();
  }

  async #release(): Promise<void> {
    this.#device.release();
  }

  async #answer(): Promise<void> {
    const id = this.#pick(this.#device.received);
    if (id !== undefined) this.#device.answer(id, this.#pick(['success', 'success', 'error']));
  }

  async #progress(): Promise<void> {
    const id = this.#pick(this.#device.received);
    if (id !== undefined) this.#device.progress(id, Math.floor(100 * this.#random()));
  }

  async #cancel(): Promise<void> {
    const id = this.#pick(this.#made);
    if (id === undefined) return;
    try {
      const { status } = await this.#world.call(this.#pick([0, 1]), 'POST', `${this.#path}/${id}/cancel`);
      this.#told.set(id, status);
    } catch (error) {
      // It has ended already; perhaps by a first try whose process was killed before it could say so.
      if (!(error instanceof Refused && error.status === 409)) throw error;
    }
  }

  /** The device comes back and does whatever it is told. @returns its commands, when all have ended */
  async settle(): Promise<readonly ShownCommand[]> {
    this.#device.release();
    this.#device.connect(this.#world.brokerUrl(this.#pick([0, 1])), true);
    this.#device.answerAll();
    let open = await this.#listOpen();
    let quiet = 0;
    const remaining = async () => {
      const before = open.map(describeCommand).join();
      open = await this.#listOpen();
      const now = open.map(describeCommand).join();
      // What crashes a device is not sent for ever; what was not sent, or has begun, is not given up.
      const mayBeGivenUp = open.every(({ status }) => status === 'SENT' || status === 'DELIVERED');
      quiet = now === before && mayBeGivenUp ? quiet + 1 : 0;
      return quiet >= GIVEN_UP ? '' : now;
    };
    await expect.poll(remaining, { timeout: 90_000, interval: 500 }).toBe('');
    for (const { command_id } of open) {
      expect(this.#device.times.has(command_id)).toBe(false);
      await this.#world.call(0, 'POST', `${this.#path}/${command_id}/cancel`);
      this.#told.set(command_id, 'CANCELLED');
    }
    return await this.#list();
  }

  async #list(): Promise<readonly ShownCommand[]> {
    return (await this.#world.call(0, 'GET', `${this.#path}?size=100&sort=id`)).items;
  }

  async #listOpen(): Promise<readonly ShownCommand[]> {
    return (await this.#list()).filter(({ status }) => !FINAL.includes(status));
  }

  check(commands: readonly ShownCommand[]): void {
    const answersCount = this.#world.brokers === 'embedded';
    expectNothingLostOrDoubled(commands, this.#device, { made: this.#made, told: this.#told, answersCount });
  }

  async close(): Promise<void> {
    await this.#device.close();
  }
}

function describeCommand({ command_id, status }: ShownCommand): string {
  return `${command_id} ${status}`;
}
