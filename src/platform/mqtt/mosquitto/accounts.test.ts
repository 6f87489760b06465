import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { devicePortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { DEVICE_CHANNELS, eventually } from '../mqtt.harness.ts';
import { createMosquittoAccounts } from './accounts.ts';
import { createMosquittoControl } from './control.ts';

await describeWithServer(
  'mosquitto',
  (server) => {
    const control = createMosquittoControl({ url: server.url, logger: silentLogger });
    const accounts = createMosquittoAccounts(control, DEVICE_CHANNELS);
    const open: mqtt.MqttClient[] = [];
    beforeAll(() => control.start?.(AbortSignal.timeout(5_000)));
    afterAll(async () => {
      for (const client of open) await client.endAsync(true);
      await control.stop?.(AbortSignal.timeout(5_000));
    });

    async function logIn(username: string, password: string) {
      const address = `mqtt://127.0.0.1:${devicePortOf(server.url)}`;
      const client = await mqtt.connectAsync(address, { username, password, reconnectPeriod: 0 }, false);
      client.on('error', () => {});
      open.push(client);
      return client;
    }

    test('a device logs in with its secret; another secret ends the session', async () => {
      await accounts.set('pump', 'one', 'first');
      const session = await logIn('pump', 'one');
      const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
      await accounts.set('pump', 'two', 'second');
      await closed;
      await expect(logIn('pump', 'one')).rejects.toMatchObject({ code: 5 });
      await logIn('pump', 'two');
    });

    test('a device that is removed is out; removing again is no error', async () => {
      await accounts.set('gone', 'secret', 'mark');
      const session = await logIn('gone', 'secret');
      const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
      await accounts.remove('gone');
      await closed;
      await expect(logIn('gone', 'secret')).rejects.toMatchObject({ code: 5 });
      await accounts.remove('gone');
    });

    test('the mark of a login comes and goes with its secret, and says which one is to be removed', async () => {
      const markNow = async (uid: string) => (await accounts.list())?.get(uid);
      await accounts.set('marked', 'one', 'first');
      expect(await markNow('marked')).toBe('first');
      await accounts.set('marked', 'two', 'second');
      expect(await markNow('marked')).toBe('second');
      expect(await accounts.remove('marked', 'first')).toBe(false);
      await logIn('marked', 'two');
      expect(await accounts.remove('marked', 'second')).toBe(true);
      await expect(logIn('marked', 'two')).rejects.toMatchObject({ code: 5 });
      expect(await accounts.remove('marked')).toBe(false);
    });

    test('an account from before, and one that an operator described, has no mark', async () => {
      await accounts.set('described', 'one', 'first');
      for (const textdescription of ['', 'in the cellar']) {
        await control.command({ command: 'modifyClient', username: 'described', textdescription });
        expect((await accounts.list())?.get('described')).toBeNull();
      }
    });

    test('lists devices over several pages, and no other account', async () => {
      const uids = Array.from({ length: 620 }, (_, i) => `many-${i}`);
      // Hundreds at once: the last waits behind the others, and the broker saves after each.
      for (const half of [uids.slice(0, 310), uids.slice(310)]) {
        await Promise.all(half.map((uid) => accounts.set(uid, `secret of ${uid}`, uid)));
      }
      const listed = await accounts.list();
      for (const uid of uids) expect(listed?.get(uid)).toBe(uid);
      expect(listed?.has('core.admin')).toBe(false);
    }, 240_000);

    test('an account that is no device’s is left alone', async () => {
      await control.command({ command: 'createClient', username: 'grafana', password: 'its own' });
      await expect(accounts.set('grafana', 'mine', 'mark')).rejects.toMatchObject({ code: 'mqtt_account_foreign' });
      await accounts.remove('grafana');
      expect((await accounts.list())?.has('grafana')).toBe(false);
      await logIn('grafana', 'its own');
    });

    test('while the broker is away it says so; afterwards it goes on by itself, with what it knew', async () => {
      await server.kill();
      await eventually(() => expect(control.ping()).rejects.toMatchObject({ code: 'unavailable' }));
      await expect(accounts.set('late', 'x', 'x')).rejects.toMatchObject({ code: 'unavailable' });
      await server.restart();
      await eventually(() => control.ping());
      await accounts.set('late', 'y', 'y');
      await logIn('late', 'y');
      await logIn('pump', 'two');
    }, 30_000);
  },
  { own: true },
);

test('a broker that is not there, or lets us not in, is told in one line', async () => {
  const away = createMosquittoControl({ url: 'mqtt://core.admin:x@127.0.0.1:9', logger: silentLogger });
  await expect(away.start?.(AbortSignal.timeout(5_000))).rejects.toThrow(
    'The MQTT broker at mqtt://127.0.0.1:9 is away (ECONNREFUSED).',
  );
  expect(() => createMosquittoControl({ url: 'mqtt://admin:x@127.0.0.1', logger: silentLogger })).toThrow(
    'could be the uid',
  );
  expect(() => createMosquittoControl({ url: 'http://x', logger: silentLogger })).toThrow('must look like');
});
