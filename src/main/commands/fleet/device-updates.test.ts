import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { publicKeyOf, signManifest } from '#modules/firmware/index.ts';
import { createTestDevice, type TestDevice, type TestDeviceOptions } from '#test/support/device-parts.ts';
import { type ImageServer, startImageServer } from '#test/support/image-server.ts';
import { createDeviceUpdates } from './device-updates.ts';

const image = randomBytes(20_000);
const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
const { keyId, publicKey } = publicKeyOf(key);
const sha256 = createHash('sha256').update(image).digest('hex');
const manifest = { device_type: 'pump', version: '2.0.0', sequence: 5, size: image.length, sha256 };
let server: ImageServer;
beforeAll(async () => {
  server = await startImageServer(image);
});
afterAll(() => server.close());
beforeEach(() => {
  server.instead.length = 0;
  (server.ranges as string[]).length = 0;
});

const offer = (more: object = {}) => {
  const { device_type: _, ...signed } = manifest;
  const signature = signManifest(manifest, key);
  return { campaign_id: 9, firmware_id: 1, url: server.url, ...signed, signature, key_id: keyId, ...more };
};
const signedOffer = (more: Partial<typeof manifest> & { not_after?: string }) =>
  offer({ ...more, signature: signManifest({ ...manifest, ...more }, key) });
const newDevice = (options: TestDeviceOptions = {}) =>
  createTestDevice({ firmwareKeys: [{ keyId, publicKey }], ...options });

function updatesOf({ parts }: TestDevice) {
  return createDeviceUpdates({
    parts,
    retryMs: 1,
    report: () => parts.say('status', { firmware_version: parts.memory.firmwareVersion }),
    reported: async () => {},
  });
}
const statuses = (device: TestDevice) => device.said.map(({ message }) => message['status']);
const outcomes = (device: TestDevice) =>
  device.events.flatMap((event) => (event.kind === 'update' ? [event.outcome] : []));

describe('a simulated device and firmware', () => {
  test('downloads in parts, checks, installs, and starts anew with the version', async () => {
    const device = newDevice();
    const updates = updatesOf(device);
    await updates.receive(offer());
    expect(server.ranges.slice(0, 2)).toEqual(['bytes=0-1999', 'bytes=2000-3999']);
    expect(server.ranges).toHaveLength(10);
    const progress = device.said.slice(0, -2).map(({ message }) => message['progress']);
    expect(progress).toEqual([0, 20, 40, 60, 80, 100]);
    expect(statuses(device).slice(-3)).toEqual(['downloading', 'downloaded', 'installing']);
    expect(device.said.every(({ message }) => message['campaign_id'] === 9)).toBe(true);
    expect(updates.isInstalling()).toBe(true);
    expect(device.restarts).toEqual(['orderly']);
    expect(device.parts.memory).toMatchObject({ firmwareVersion: '2.0.0', sequence: 5 });
    expect(device.parts.memory.downloads).toEqual([{ campaignId: 9, version: '2.0.0', sha256, bytes: image.length }]);
    expect(outcomes(device)).toEqual(['installed']);
  });

  test.each([
    ['a key that it does not know', () => offer({ key_id: 'x' })],
    ['a signature of something else', () => offer({ version: '2.0.1' })],
    ['a signature that is none', () => offer({ signature: 'AAAA' })],
    ['an image for other devices', () => signedOffer({ device_type: 'sensor' })],
    ['an image whose time is over', () => signedOffer({ not_after: '2020-01-01T00:00:00.000Z' })],
  ])('rejects %s, before it downloads anything', async (_, make) => {
    const device = newDevice();
    await updatesOf(device).receive(make());
    expect(device.said).toEqual([
      { channel: 'response', message: { campaign_id: 9, status: 'rejected', error: expect.any(String) } },
    ]);
    expect(server.ranges).toEqual([]);
    expect(device.parts.memory.firmwareVersion).toBe('1.0.0');
  });

  test('takes an image that is limited in time, as long as it lasts', async () => {
    const device = newDevice();
    await updatesOf(device).receive(signedOffer({ not_after: '2999-01-01T00:00:00.000Z' }));
    expect(outcomes(device)).toEqual(['installed']);
  });

  test('rejects what is older than what it has', async () => {
    const device = newDevice();
    await updatesOf(device).receive(offer());
    const after = device.startAgain();
    await updatesOf(after).receive(signedOffer({ version: '1.9.0', sequence: 4 }));
    expect(after.said.at(-1)?.message).toMatchObject({ status: 'rejected', error: 'the sequence 4 is below 5' });
  });

  test('does not install what has not the hash that was signed, and begins anew then', async () => {
    const device = newDevice({ mishaps: ['update_damaged'] });
    const updates = updatesOf(device);
    await updates.receive(offer());
    expect(device.said.at(-1)?.message).toMatchObject({
      status: 'error',
      error: expect.stringMatching(/^the image has the SHA-256 [0-9a-f]{64}$/),
    });
    expect(device.restarts).toEqual([]);
    await updates.receive(offer());
    expect(outcomes(device)).toEqual(['error', 'installed']);
    expect(device.parts.memory.downloads.map(({ bytes }) => bytes)).toEqual([image.length, image.length]);
  });

  test('goes on where the download broke off, whatever the server does meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom<number | 'cut'>(500, 503, 429, 'cut'), { maxLength: 5 }),
        async (troubles) => {
          server.instead.splice(0, server.instead.length, ...troubles);
          const device = newDevice();
          await updatesOf(device).receive(offer());
          expect(outcomes(device)).toEqual(['installed']);
          // No byte comes twice.
          expect(device.parts.memory.downloads).toEqual([
            { campaignId: 9, version: '2.0.0', sha256, bytes: image.length },
          ]);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('begins anew at a server that knows no ranges', async () => {
    (server.instead as unknown[]).push(undefined, 'whole');
    const device = newDevice();
    await updatesOf(device).receive(offer());
    expect(outcomes(device)).toEqual(['installed']);
    expect(device.parts.memory.downloads[0]?.bytes).toBe(image.length + 2_000);
  });

  test('says an error when the server refuses the image', async () => {
    server.instead.push(403);
    const device = newDevice();
    await updatesOf(device).receive(offer());
    expect(device.said.at(-1)?.message).toMatchObject({
      status: 'error',
      error: 'the download was answered with 403',
    });
  });

  test('loses its power in the middle when it was told to, and goes on with the next offer', async () => {
    const device = newDevice({ mishaps: ['update_power_cut'] });
    await updatesOf(device).receive(offer());
    expect(device.restarts).toEqual(['cut']);
    expect(statuses(device)).not.toContain('downloaded');
    expect(server.ranges.at(-1)).toBe('bytes=8000-9999');
    const after = device.startAgain();
    await updatesOf(after).receive(offer());
    expect(server.ranges).toContain('bytes=10000-11999');
    expect(after.said[0]?.message).toMatchObject({ status: 'downloading', progress: 50 });
    expect(after.parts.memory.downloads).toEqual([{ campaignId: 9, version: '2.0.0', sha256, bytes: image.length }]);
    expect(outcomes(after)).toEqual(['installed']);
  });

  test('comes back with the former version when the new one does not start', async () => {
    const device = newDevice({ mishaps: ['update_rolled_back'] });
    await updatesOf(device).receive(offer());
    expect(statuses(device).at(-1)).toBe('installing');
    expect(device.restarts).toEqual(['orderly']);
    expect(device.parts.memory).toMatchObject({ firmwareVersion: '1.0.0', sequence: 0 });
  });

  test('fails each time when it was told to, and downloads once', async () => {
    const device = newDevice({ mishaps: ['update_fails'] });
    const updates = updatesOf(device);
    await updates.receive(offer());
    await updates.receive(offer());
    expect(outcomes(device)).toEqual(['error', 'error']);
    expect(statuses(device).slice(-3)).toEqual(['downloading', 'downloaded', 'error']);
    expect(device.parts.memory.downloads).toHaveLength(1);
  });

  test('says its version when it is offered what it has, and nothing of what is no offer', async () => {
    const device = newDevice();
    await updatesOf(device).receive(offer());
    const after = device.startAgain();
    await updatesOf(after).receive(offer());
    await updatesOf(after).receive({ campaign_id: '9' });
    expect(after.said).toEqual([{ channel: 'status', message: { firmware_version: '2.0.0' } }]);
  });

  test('leaves an offer that comes again while it is under way, and drops one for another campaign', async () => {
    const device = newDevice({ stepMs: 5 });
    const updates = updatesOf(device);
    const first = updates.receive(offer());
    await updates.receive(offer());
    expect(updates.isBusy()).toBe(true);
    await updates.receive(offer({ campaign_id: 10 }));
    await first;
    expect(device.events.filter(({ kind }) => kind === 'update')).toEqual([
      { kind: 'update', campaignId: 10, version: '2.0.0', outcome: 'installed' },
    ]);
    expect(device.parts.memory.downloads).toHaveLength(1);
  });
});
