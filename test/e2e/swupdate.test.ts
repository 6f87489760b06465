import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';
import { missingPrograms } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';

/* SWUpdate, which speaks hawkBit's DDI, takes part in a campaign: https://sbabic.github.io/swupdate/suricatta.html */

const missing = await missingPrograms(['swupdate', 'openssl']);

if (missing.length > 0) {
  leaveOut('SWUpdate', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  describe('SWUpdate', () => {
    const folder = temporaryFolder();
    const inFolder = (name: string) => join(folder.path, name);
    const installed = inFolder('installed.txt');
    let server: ServerProcess;
    let api: ApiClient;
    let device: RegisteredDevice;
    let client: ChildProcess | undefined;
    let said = '';

    beforeAll(async () => {
      const settings = { DATA_DIR: inFolder('data') };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
      device = await api.registerDevice({ device_type: 'board' });
      writeUpdate(folder.path, installed);
    });
    afterAll(async () => {
      client?.kill('SIGKILL');
      await server.end('SIGKILL');
      folder.remove();
    });

    /** @param confirm what it reports first, as after the reboot into the new version */
    function run(confirm: readonly string[] = []): void {
      const server_ = [
        '-t',
        'default',
        '-u',
        server.httpUrl,
        '-i',
        device.uid,
        '-k',
        device.secret,
        '-p',
        '1',
        ...confirm,
      ];
      const args = ['-v', '-k', inFolder('cert.pem'), '-H', 'board:1.0', '-u', server_.join(' ')];
      client = spawn('swupdate', args, {
        cwd: folder.path,
        env: { ...process.env, TMPDIR: folder.path },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [client.stdout, client.stderr]) {
        stream?.on('data', (chunk) => {
          said += String(chunk);
        });
      }
    }

    async function stop(): Promise<void> {
      const ended = once(client as ChildProcess, 'exit');
      client?.kill('SIGTERM');
      await ended;
    }

    const standing = async () => (await api.call('GET', `/api/v1/devices/${device.id}/ota`)).campaigns[0];

    test('downloads and installs what a campaign offers, and its confirmation ends it', async () => {
      const uploaded = await fetch(`${server.httpUrl}/api/v1/firmware?device_type=board&version=2.0.0`, {
        method: 'POST',
        headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
        body: readFileSync(inFolder('update.swu')),
      });
      const { id: firmware_id } = (await uploaded.json()) as { id: number };
      const plan = { name: 'Boards', firmware_id, target: { device_type: 'board' } };
      const { id } = await api.call('POST', '/api/v1/campaigns', plan);
      await api.call('POST', `/api/v1/campaigns/${id}/start`, {});
      // A client that asks before it is released is told to ask again in five minutes.
      await expect.poll(async () => (await standing())?.stage, { timeout: 30_000 }).toBe(0);
      run();
      await expect.poll(() => existsSync(installed), { timeout: 60_000 }).toBe(true);
      expect(readFileSync(installed, 'utf8')).toBe('from the update\n');
      await expect.poll(async () => (await standing()).progress, { timeout: 30_000 }).toBe(100);
      expect((await standing()).status, said).toBe('INSTALLING');
      await stop();

      run(['-c', '2']);
      await expect.poll(async () => (await standing()).status, { timeout: 60_000 }).toBe('SUCCEEDED');
      expect(await api.call('GET', `/api/v1/devices/${device.id}`)).toMatchObject({ firmware_version: '2.0.0' });
      await stop();
    });
  });
}

/** A signed update that installs one file: https://sbabic.github.io/swupdate/signed_images.html */
function writeUpdate(folder: string, path: string): void {
  const inFolder = (name: string) => join(folder, name);
  writeFileSync(inFolder('content.txt'), 'from the update\n');
  const openssl = (...args: readonly string[]) => execFileSync('openssl', [...args], { cwd: folder, stdio: 'pipe' });
  const sha256 = openssl('dgst', '-sha256', '-r', 'content.txt').toString().split(' ')[0];
  writeFileSync(
    inFolder('sw-description'),
    `software = { version = "2.0.0"; hardware-compatibility: [ "1.0" ];
       files: ( { filename = "content.txt"; path = "${path}"; sha256 = "${sha256}"; } ); }\n`,
  );
  const usage = ['-subj', '/CN=release', '-addext', 'extendedKeyUsage=emailProtection'];
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', ...usage);
  const signed = ['-in', 'sw-description', '-out', 'sw-description.sig', '-signer', 'cert.pem', '-inkey', 'key.pem'];
  openssl('cms', '-sign', ...signed, '-outform', 'DER', '-nosmimecap', '-binary');
  const entries = ['sw-description', 'sw-description.sig', 'content.txt'];
  const files = entries.map((name, index) => cpioEntry(name, readFileSync(inFolder(name)), index + 1));
  const archive = Buffer.concat([...files, cpioEntry('TRAILER!!!', Buffer.alloc(0), 0)]);
  writeFileSync(inFolder('update.swu'), padded(archive, 512));
}

/** The format `crc` of cpio. */
function cpioEntry(name: string, content: Buffer, inode: number): Buffer {
  const sum = content.reduce((total, byte) => (total + byte) >>> 0, 0);
  const fields = [inode, 0o100644, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, sum];
  const head = `070702${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head), 4), padded(content, 4)]);
}

function padded(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}
