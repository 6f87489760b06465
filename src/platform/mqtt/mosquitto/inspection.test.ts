import { randomUUID } from 'node:crypto';
import mqtt from 'mqtt';
import { describe, expect, test } from 'vitest';
import { freePort } from '#test/support/server-process.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { inspectMosquitto } from './inspection.ts';

const TIMEOUT = { timeout: 30_000 };

test('a broker that is away is one line', async () => {
  const port = await freePort();
  await expect(inspectMosquitto(`mqtt://core.admin:hush@127.0.0.1:${port}`)).rejects.toMatchObject({
    kind: 'unavailable',
    message: `The MQTT broker at mqtt://127.0.0.1:${port} is away (ECONNREFUSED).`,
  });
});

await describeWithServer(
  'mosquitto',
  (server) => {
    describe('a Mosquitto', () => {
      async function command(...commands: readonly object[]): Promise<void> {
        const client = await mqtt.connectAsync(server.url.split('?')[0] as string);
        await client.subscribeAsync('$CONTROL/dynamic-security/v1/response');
        const answered = new Promise((resolve) => client.once('message', resolve));
        await client.publishAsync('$CONTROL/dynamic-security/v1', JSON.stringify({ commands }), { qos: 1 });
        await answered;
        await client.endAsync();
      }
      const defaultAccess = (acltype: string, allow: boolean) =>
        command({ command: 'setDefaultACLAccess', acls: [{ acltype, allow }] });

      test('that is set up as shipped has no problem, and stays as it is', TIMEOUT, async () => {
        expect(await inspectMosquitto(server.url)).toEqual({
          version: expect.stringMatching(/^mosquitto version 2\.0/),
          problems: [],
        });
      });

      test('that lets everybody do everything is found out', TIMEOUT, async () => {
        await defaultAccess('publishClientSend', true);
        await defaultAccess('subscribe', true);
        const { problems } = await inspectMosquitto(server.url);
        expect(problems).toHaveLength(2);
        expect(problems.join()).toMatch(
          /write every topic: .*publishClientSend deny.*read every topic: .*subscribe deny/,
        );
        await defaultAccess('publishClientSend', false);
        await defaultAccess('subscribe', false);
      });

      test('with an account that may not manage others says which rights are missing', TIMEOUT, async () => {
        const username = `core.${randomUUID()}`;
        await command({ command: 'createClient', username, password: 'a password' });
        const url = new URL(server.url);
        url.username = username;
        url.password = 'a%20password';
        const { problems } = await inspectMosquitto(url.href);
        expect(problems).toEqual([
          expect.stringContaining(`the account "${username}" may not read $SYS/broker/version`),
        ]);
        url.password = 'wrong';
        await expect(inspectMosquitto(url.href)).rejects.toThrow(/refuses the user/);
      });
    });
  },
  { own: true },
);
