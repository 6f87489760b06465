import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import { type ExampleProcess, type ExampleSettings, startExampleProcess } from './example-process.ts';
import { startStandIn } from './stand-in.ts';

export interface Example {
  readonly command: readonly [program: string, ...args: string[]];
  /** How many samples wait on its disk, where `DEVICE_STORE` is `store`. */
  waiting(store: string): number;
}

const INTERRUPTED = 'interrupted by a restart of the device';

/** What each device of `examples/` does, with the real server. */
export function deviceScenario(name: string, { command, waiting }: Example): void {
  describe(name, () => {
    const folder = temporaryFolder();
    let settings: ServerSettings;
    let server: ServerProcess;
    let api: ApiClient;
    let example: ExampleProcess | undefined;
    let stores = 0;

    beforeAll(async () => {
      settings = {
        DATA_DIR: `${folder.path}/data`,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
    });
    afterEach(() => example?.cutPower());
    afterAll(async () => {
      await server.end('SIGKILL');
      folder.remove();
    });

    const newStore = () => `${folder.path}/store-${stores++}`;
    const settingsOf = ({ uid, secret }: Pick<RegisteredDevice, 'uid' | 'secret'>, store: string): ExampleSettings => ({
      DEVICE_UID: uid,
      DEVICE_SECRET: secret,
      DEVICE_STORE: store,
      MQTT_PORT: String(server.mqttPort),
      API_URL: `${server.httpUrl}/api/v1`,
    });
    const start = (exampleSettings: ExampleSettings) => {
      example = startExampleProcess(command, exampleSettings);
      return example;
    };
    const statusOf = async (id: number) => (await api.call('GET', `/api/v1/devices/${id}`)).status;
    const setInterval = (id: number, seconds: unknown) =>
      api.call('PUT', `/api/v1/devices/${id}/config`, { interval_seconds: seconds });
    const telemetryTimes = async (id: number): Promise<readonly number[]> => {
      const { items } = await api.call('GET', `/api/v1/devices/${id}/telemetry?limit=1000&order=asc`);
      return items.map((item: { timestamp: string }) => Date.parse(item.timestamp));
    };

    test('applies and reports its configuration, and says why it does not', async () => {
      const device = await api.registerDevice();
      await setInterval(device.id, 1);
      start(settingsOf(device, newStore()));
      const reported = async () => (await api.call('GET', `/api/v1/devices/${device.id}/config`)).reported;
      await expect.poll(reported).toMatchObject({ version: 1, config: { interval_seconds: 1 }, error: null });
      await setInterval(device.id, 'often');
      await expect.poll(reported).toMatchObject({ version: 2, error: expect.stringContaining('interval_seconds') });
      await setInterval(device.id, 2);
      await expect.poll(async () => (await api.call('GET', `/api/v1/devices/${device.id}/config`)).in_sync).toBe(true);
      await expect
        .poll(async () => (await api.call('GET', `/api/v1/devices/${device.id}`)).firmware_version)
        .toBe('1.0.0');
    });

    test('loses no sample while the server is away, nor when the device loses power meanwhile', async () => {
      const device = await api.registerDevice();
      const store = newStore();
      await setInterval(device.id, 1);
      const first = start(settingsOf(device, store));
      await expect.poll(async () => (await telemetryTimes(device.id)).length).toBeGreaterThan(1);

      await server.end('SIGKILL');
      const gone = Date.now();
      await expect.poll(() => waiting(store)).toBeGreaterThan(2);
      await first.cutPower();
      const kept = waiting(store);
      start(settingsOf(device, store));
      await expect.poll(() => waiting(store)).toBeGreaterThan(kept + 1);
      const back = Date.now();
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);

      await expect.poll(() => waiting(store), { timeout: 60_000 }).toBe(0);
      const missed = (await telemetryTimes(device.id)).filter((at) => at >= gone - 1_000 && at <= back);
      expect(missed.length).toBeGreaterThanOrEqual(kept + 2);
      expect((await api.ledger(device.id)).rejected).toEqual({});
    });

    test('answers commands with progress and result, and one that it does not know with an error', async () => {
      const device = await api.registerDevice();
      start(settingsOf(device, newStore()));
      const send = (order: object) =>
        api.call('POST', `/api/v1/devices/${device.id}/commands`, { wait_seconds: 60, ...order });
      const blinked = await send({ command: 'blink', params: { times: 4 } });
      expect(blinked).toMatchObject({ status: 'SUCCEEDED', result: { blinked: 4 } });
      expect(blinked.history.map((entry: { status: string }) => entry.status)).toContain('IN_PROGRESS');
      expect(await send({ command: 'blink' })).toMatchObject({ status: 'SUCCEEDED', result: { blinked: 3 } });
      expect(await send({ command: 'measure' })).toMatchObject({ status: 'SUCCEEDED' });
      expect(await send({ command: 'fly' })).toMatchObject({
        status: 'FAILED',
        error: 'this device does not know fly',
      });
    });

    test('answers after a restart that a command was interrupted by it', async () => {
      const device = await api.registerDevice();
      const store = newStore();
      const first = start(settingsOf(device, store));
      const order = { command: 'blink', params: { times: 10_000 } };
      const { command_id } = await api.call('POST', `/api/v1/devices/${device.id}/commands`, order);
      const path = `/api/v1/devices/${device.id}/commands/${command_id}`;
      await expect.poll(async () => (await api.call('GET', path)).status).toBe('IN_PROGRESS');
      await first.cutPower();
      const second = start(settingsOf(device, store));
      await expect.poll(() => api.call('GET', path)).toMatchObject({ status: 'FAILED', error: INTERRUPTED });
      expect(second.output()).not.toContain('command blink');
    });

    test('carries a command out once, however often it comes, also after a restart', async () => {
      const standIn = await startStandIn();
      const uid = 'greenhouse-07';
      const login = { ...settingsOf({ uid, secret: 'secret' }, newStore()), ...standIn.settings };
      const id = randomUUID();
      const message = {
        command_id: id,
        command: 'measure',
        params: { command_id: 'another', command: 'blink' },
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      };
      const answers = () => standIn.said('response').filter((answer) => answer.command_id === id);
      const deliver = async (times: number) => {
        await expect.poll(() => standIn.isListening(uid)).toBe(true);
        const before = answers().length;
        for (let time = 0; time < times; time += 1) standIn.send(uid, 'command', message);
        await expect.poll(() => answers().length).toBe(before + times);
      };
      const first = start(login);
      await deliver(2);
      await first.cutPower();
      await expect.poll(() => standIn.isListening(uid)).toBe(false);
      const second = start(login);
      await deliver(1);

      const begun = `${first.output()}${second.output()}`.split('\n').filter((line) => line.includes(id));
      expect(begun).toEqual([`command measure ${id}`]);
      expect(new Set(answers().map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers()[0]).toMatchObject({ status: 'success' });
      await standIn.close();
    });

    test('ends in order', async () => {
      const device = await api.registerDevice();
      const running = start(settingsOf(device, newStore()));
      await expect.poll(() => statusOf(device.id)).toBe('ONLINE');
      expect(await running.stop()).toBe(0);
      expect(running.output()).toBe('');
    });
  });
}
