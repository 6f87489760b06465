import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { createTestPki, type TestCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, runCore, type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import type { Esp32Images } from './esp32.build.ts';
import { type ExampleProcess, type ExampleSettings, startExampleProcess } from './example-process.ts';
import { type FaultyDownload, startFaultyDownload } from './faulty-download.ts';

const UID = 'esp32-a0b1c2d3e4f5';

/** From the first start on, over TLS: the device registers itself and is updated, by images good and bad. */
export function lifeOfABoard(images: Esp32Images, image: string): void {
  describe('examples/esp32, over TLS', () => {
    const folder = temporaryFolder();
    const pki = createTestPki();
    const inFolder = (name: string) => join(folder.path, name);
    let certificate: TestCertificate;
    let https: FaultyDownload;
    let settings: ServerSettings;
    let server: ServerProcess;
    let api: ApiClient;
    let claim: string;
    let firmwareKey: string;
    let board: ExampleProcess | undefined;
    let deviceId: number;
    let older: number;

    beforeAll(async () => {
      certificate = pki.server();
      https = await startFaultyDownload(certificate);
      settings = {
        DATA_DIR: inFolder('data'),
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
        MQTT_TLS_PORT: String(await freePort()),
        MQTT_TLS_CERT_FILE: certificate.certFile,
        MQTT_TLS_KEY_FILE: certificate.keyFile,
        PUBLIC_URL: https.url,
      };
      server = await startServer(settings);
      https.leadTo(Number(settings['HTTP_PORT']));
      api = await signInAsSuperuser(server, settings);
      const batch = { name: 'A batch', device_type: 'test', max_devices: 2, uid_pattern: 'esp32-*' };
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      claim = (await api.call('POST', '/api/v1/provisioning/claims', { ...batch, expires_at })).token;
      firmwareKey = (await api.call('GET', '/api/v1/firmware-keys')).keys[0].public_key;
    });
    afterEach(() => board?.cutPower());
    afterAll(async () => {
      await server.end('SIGKILL');
      await https.close();
      pki.close();
      folder.remove();
    });

    const settingsOf = (changes: ExampleSettings = {}): ExampleSettings => ({
      DEVICE_STORE: inFolder('flash'),
      BOARD_MAC: 'A0:B1:C2:D3:E4:F5',
      API_URL: `${https.url}/api/v1`,
      MQTT_URI: `mqtts://127.0.0.1:${settings['MQTT_TLS_PORT']}`,
      SERVER_CA: certificate.certificate,
      CLAIM_TOKEN: claim,
      FIRMWARE_KEY: firmwareKey,
      ...changes,
    });
    const start = (changes?: ExampleSettings) => {
      board = startExampleProcess([images.board, image], settingsOf(changes));
      return board;
    };
    const deviceNow = async () => (await api.call('GET', `/api/v1/devices?q=${UID}`)).items[0];
    const isOnlineWith = (version: string) =>
      expect
        .poll(async () => {
          const { status, firmware_version } = await deviceNow();
          return { status, firmware_version };
        })
        .toEqual({ status: 'ONLINE', firmware_version: version });

    async function upload(version: string, bytes: Buffer, signed = ''): Promise<number> {
      const response = await fetch(`${server.httpUrl}/api/v1/firmware?device_type=test&version=${version}${signed}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(bytes),
      });
      expect(response.status, await response.clone().text()).toBe(201);
      return ((await response.json()) as { id: number }).id;
    }
    async function offer(firmware_id: number): Promise<number> {
      const plan = { firmware_id, target: { device_ids: [deviceId] }, retries: { max: 0 } };
      const { id } = await api.call('POST', '/api/v1/campaigns', { name: `Firmware ${firmware_id}`, ...plan });
      await api.call('POST', `/api/v1/campaigns/${id}/start`, {});
      return id;
    }
    const standing = async (campaign: number) =>
      (await api.call('GET', `/api/v1/devices/${deviceId}/ota`)).campaigns.find(
        (each: { campaign_id: number }) => each.campaign_id === campaign,
      );
    const ends = (campaign: number, status: string) =>
      expect.poll(async () => await standing(campaign), { timeout: 60_000 }).toMatchObject({ status });
    const measures = async () => {
      const order = { command: 'measure', wait_seconds: 60 };
      expect(await api.call('POST', `/api/v1/devices/${deviceId}/commands`, order)).toMatchObject({
        status: 'SUCCEEDED',
      });
    };

    test('gives nothing to a server that the authority of its settings has not signed', async () => {
      const stranger = startExampleProcess(
        [images.board, image],
        settingsOf({ DEVICE_STORE: inFolder('stranger'), SERVER_CA: pki.server().certificate }),
      );
      await expect.poll(() => stranger.output()).toContain('not provisioned: -1');
      await stranger.cutPower();
      const attempts = await api.call('GET', '/api/v1/provisioning/claims/1/attempts');
      expect(attempts.items).toEqual([]);
    });

    test('registers itself at its first start, once, and keeps its credentials', async () => {
      const first = start();
      await expect.poll(async () => (await deviceNow())?.status).toBe('ONLINE');
      await isOnlineWith('1.0.0');
      deviceId = (await deviceNow()).id;
      await expect.poll(async () => (await api.ledger(deviceId)).stored).toBeGreaterThan(1);
      await first.cutPower();
      start();
      await isOnlineWith('1.0.0');
      await measures();
      expect((await api.call('GET', '/api/v1/provisioning/claims')).items[0].used).toBe(1);
      expect(board?.output()).not.toContain('not provisioned');
    });

    test('goes on with a download that was cut, also by a loss of power, and runs the new version', async () => {
      const bytes = readFileSync(await images.image('good', ['FIRMWARE_VERSION="1.1.0"']));
      older = await upload('0.9.0', Buffer.from('an image'));
      const first = start();
      await isOnlineWith('1.0.0');
      https.cutNext(10_000, 70_000, ...Array.from({ length: 8 }, () => 0));
      const campaign = await offer(await upload('1.1.0', bytes));
      await expect.poll(() => https.asked.length).toBeGreaterThan(2);
      await first.cutPower();
      https.cutNext();
      const before = https.asked.length;
      const second = start();
      await ends(campaign, 'SUCCEEDED');
      await isOnlineWith('1.1.0');
      expect(https.asked.slice(0, 3)).toEqual([0, 10_000, 80_000]);
      // What was on flash when the power went, in steps of 64 KiB.
      expect(https.asked[before]).toBe(65_536);
      expect(second.output()).toContain('restart into 1.1.0');
      await measures();
    });

    test('is still the new version after the next start', async () => {
      start();
      await isOnlineWith('1.1.0');
      await measures();
    });

    test('does not start an image that arrived as another than the one that was signed', async () => {
      const bytes = readFileSync(await images.image('spoilt', ['FIRMWARE_VERSION="1.2.0"']));
      start();
      await isOnlineWith('1.1.0');
      https.spoil(100_000);
      const campaign = await offer(await upload('1.2.0', bytes));
      await ends(campaign, 'FAILED');
      https.spoil(null);
      expect(await standing(campaign)).toMatchObject({ reason: 'what was downloaded is not what was signed' });
      expect(board?.output()).not.toContain('restart');
    });

    test('rejects an image that is signed by a key that it does not know, and one that is older', async () => {
      const file = inFolder('foreign.bin');
      writeFileSync(file, 'an image');
      const key = inFolder('foreign.key');
      const made = await runCore(['firmware', 'keygen', '--out', key], settings);
      const public_key = /public_key +(\S+)/.exec(made)?.[1];
      await api.call('POST', '/api/v1/firmware-keys', { name: 'Of another house', public_key });
      const about = ['--device-type', 'test', '--version', '1.3.0', '--sequence', '30'];
      const printed = JSON.parse(await runCore(['firmware', 'sign', '--key', key, ...about, file], settings));
      const { signature, key_id } = printed as Readonly<Record<string, string>>;
      const signed = `&sequence=30&key_id=${key_id}&signature=${encodeURIComponent(signature ?? '')}`;
      start();
      await isOnlineWith('1.1.0');
      const foreign = await offer(await upload('1.3.0', readFileSync(file), signed));
      await ends(foreign, 'REJECTED');
      expect(await standing(foreign)).toMatchObject({ reason: 'not signed by a key that this device knows' });
      const old = await offer(older);
      await ends(old, 'REJECTED');
      expect(await standing(old)).toMatchObject({ reason: 'older than what is installed' });
    });

    test.each([
      ['never reaches the server', ['LOST', 'CONFIRM_SECONDS=2'], 'back to the image before'],
      ['is another version than it was offered as', ['FIRMWARE_VERSION="9.9.9"'], 'back to the image before'],
      ['crashes', null, 'the image crashed'],
    ])('goes back to the image before one that %s', async (name, macros, said) => {
      const version = `2.0.0-${name.split(' ')[0]}`;
      const own = macros?.some((macro) => macro.startsWith('FIRMWARE_VERSION')) === true;
      const all = own || macros === null ? macros : [...macros, `FIRMWARE_VERSION="${version}"`];
      const bytes = readFileSync(await (all === null ? images.crashingImage() : images.image('bad', all)));
      start();
      await isOnlineWith('1.1.0');
      const campaign = await offer(await upload(version, bytes));
      await ends(campaign, 'FAILED');
      expect((await standing(campaign)).history.map(({ status }: { status: string }) => status)).toContain(
        'INSTALLING',
      );
      await isOnlineWith('1.1.0');
      expect(board?.output()).toContain(said);
      await measures();
    });
  });
}
