import { once } from 'node:events';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { startOidcProvider } from '../support/identity-providers.ts';
import { coreProcess, freePort, runCore, type ServerSettings, startServer } from '../support/server-process.ts';
import { databaseAt } from '../support/servers/mariadb.ts';
import { databaseIn } from '../support/servers/mongodb.ts';
import { describeWithServers } from '../support/servers.ts';

async function doctor(settings: ServerSettings) {
  const child = coreProcess(['doctor'], settings);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(6, 18).trim(), line] as const),
  );
  return { code, text, line: (name: string) => lines.get(name) ?? '' };
}

describe('doctor, without anything outside', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  test('before the first start, beside a running server, and when a port is taken', async () => {
    const settings = {
      DATA_DIR: folder.path,
      HTTP_PORT: String(await freePort()),
      MQTT_PORT: String(await freePort()),
    };
    const before = await doctor(settings);
    expect(before.code).toBe(0);
    expect(before.line('relational')).toMatch(/^ok .*the first start makes .*core\.db/);
    expect(before.line('e-mail')).toMatch(/^ok .*off: SMTP_URL is unset/);
    const server = await startServer(settings);
    const beside = await doctor(settings);
    expect(beside.code).toBe(0);
    expect(beside.line('relational')).toMatch(/^ok .*SQLite 3\.[\d.]+, schema up to date/);
    expect(beside.line('HTTP')).toMatch(/^ok .*a server is running/);
    const other = await doctor({ ...settings, HTTP_PORT: String(await freePort()) });
    expect(other.line('MQTT')).toMatch(/^FAIL .*is taken by another program/);
    expect(other.code).toBe(1);
    expect(beside.line('data folder')).toMatch(/^ok /);
    await server.end('SIGTERM');
    chmodSync(join(folder.path, 'core.db'), 0o644);
    expect((await doctor(settings)).line('data folder')).toMatch(/^warn .* may reach core\.db in /);
  });

  test('changes nothing: a data folder that is not there is not made', async () => {
    const missing = join(folder.path, 'not', 'there');
    const ports = { HTTP_PORT: String(await freePort()), MQTT_PORT: String(await freePort()) };
    expect((await doctor({ DATA_DIR: missing, ...ports })).line('data folder')).toMatch(/^ok .*not there yet/);
    expect(existsSync(missing)).toBe(false);
  });

  test('asks the issuers to sign in at, and says what to register there', async () => {
    const provider = await startOidcProvider('http://127.0.0.1:9/');
    const settings = {
      DATA_DIR: folder.path,
      HTTP_PORT: String(await freePort()),
      MQTT_PORT: String(await freePort()),
      PUBLIC_URL: 'https://iot.example.com',
      OAUTH_CORP_ISSUER: provider.address,
      OAUTH_CORP_CLIENT_ID: provider.clientId,
      OAUTH_GITHUB_CLIENT_ID: 'id',
      OAUTH_GITHUB_CLIENT_SECRET: 'hush',
    };
    const there = await doctor(settings);
    const uri = 'https://iot.example.com/api/v1/auth/oauth/corp/callback';
    expect(there.line('corp')).toBe(
      `ok    corp         signs in at ${new URL(provider.address).host}; register the redirect URI ${uri}`,
    );
    expect(there.line('github')).toMatch(/^ok .*signs in at github\.com/);
    await provider.stop();
    const away = await doctor(settings);
    expect(away.line('corp')).toMatch(/^warn .*does not answer as an issuer/);
    expect({ code: away.code, hushed: away.text.includes('hush') }).toEqual({ code: 0, hushed: false });
  });

  test('says what contradicts itself, and names what cannot be reached without its password', async () => {
    const port = await freePort();
    const { code, text, line } = await doctor({
      DATA_DIR: folder.path,
      ROLES: 'api',
      DATABASE_URL: `mysql://me:hush@127.0.0.1:${port}/core_api`,
      REDIS_URL: `redis://:hush@127.0.0.1:${port}`,
      MQTT_URL: `mqtt://core.admin:hush@127.0.0.1:${port}`,
      SMTP_URL: `smtp://me:hush@127.0.0.1:${port}`,
      MAIL_FROM: 'no-reply@example.com',
      NOTIFICATIONS_URL: `http://127.0.0.1:${port}`,
      INTERNAL_SECRET: 'a secret between processes',
    });
    expect(line('e-mail')).toMatch(/^warn .*The mail server cannot be used/);
    expect(line('notification')).toMatch(/^warn .*127\.0\.0\.1:\d+ cannot be reached/);
    expect(line('settings')).toMatch(/^warn .*ROLES leaves work .*set DOCUMENTS_URL/);
    expect(line('relational')).toMatch(/^FAIL .*MariaDB at 127\.0\.0\.1:\d+ cannot be reached/);
    expect(line('redis')).toMatch(/^FAIL .*Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be reached/);
    expect(line('broker')).toMatch(/^FAIL .*is away \(ECONNREFUSED\)/);
    expect(line('MQTT')).toBe('');
    expect(text).not.toContain('hush');
    expect(code).toBe(1);
  });
});

await describeWithServers(['mariadb', 'mongodb', 'redis', 'mosquitto'], (servers) => {
  test('doctor, with everything outside, tells versions and the state of the schema', async () => {
    const folder = temporaryFolder();
    const settings = {
      DATA_DIR: folder.path,
      HTTP_PORT: String(await freePort()),
      DATABASE_URL: databaseAt(servers.mariadb.url),
      DOCUMENTS_URL: databaseIn(servers.mongodb.url),
      REDIS_URL: servers.redis.url,
      MQTT_URL: servers.mosquitto.url,
      MQTT_PUBLIC_URL: 'mqtt://broker.example.com',
    };
    const before = await doctor(settings);
    expect(before.line('relational')).toMatch(/^ok .*MariaDB \d+\.\d+\.\d+, the next start .* \(\d+ migrations\)/);
    expect(before.line('documents')).toMatch(/^(ok|warn) .*MongoDB \d+\.\d+/);
    expect(before.line('redis')).toMatch(/^ok .*Redis [78]\.\d+/);
    expect(before.line('broker')).toMatch(/^ok .*mosquitto version 2\.0/);
    expect(before.code).toBe(0);
    await runCore(['migrate'], settings);
    expect((await doctor(settings)).line('relational')).toMatch(/schema up to date/);
    folder.remove();
  });
});
