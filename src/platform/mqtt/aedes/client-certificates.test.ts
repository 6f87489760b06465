import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { createTestPki, type TestAuthority, type TestCertificate, type TestPki } from '#test/support/certificates.ts';
import { DEVICE_CHANNELS, eventually, packets, RecordingHandler } from '../mqtt.harness.ts';
import type { LoginIdentity, LoginRefusal, MqttDevice } from '../mqtt.port.ts';
import { type AedesBroker, createAedesBroker } from './aedes.ts';
import { createAedesDownlink } from './downlink.ts';
import type { TlsListenerOptions } from './tls-listener.ts';

let pki: TestPki;
let authority: TestAuthority;
let server: TestCertificate;
let alpha: TestCertificate;
beforeAll(async () => {
  pki = createTestPki();
  authority = await pki.authority();
  server = pki.server();
  alpha = await authority.issue('alpha');
});
afterAll(() => pki.close());

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Lets in whoever shows a certificate, as `alpha`, unless a test says otherwise. */
class CertificateHandler extends RecordingHandler {
  readonly shown: LoginIdentity[] = [];
  answer: MqttDevice | LoginRefusal | null = { deviceId: 5, deviceUid: 'alpha' };

  override async authenticate(identity: LoginIdentity) {
    this.shown.push(identity);
    return identity.kind === 'certificate' ? this.answer : await super.authenticate(identity);
  }
}

async function start(tls: Partial<TlsListenerOptions> = {}, logger: Logger = silentLogger) {
  const handler = new CertificateHandler();
  const downlink = createAedesDownlink({ events: createEventBus(silentLogger), clock: systemClock, logger });
  const broker: AedesBroker = createAedesBroker({
    host: '127.0.0.1',
    port: 0,
    tls: { port: 0, certFile: server.certFile, keyFile: server.keyFile, clientCertificates: 'optional', ...tls },
    channels: DEVICE_CHANNELS,
    handler,
    downlink: downlink.edge,
    logger,
    limits: { maxPayloadBytes: 1024 },
  });
  await broker.start?.(AbortSignal.timeout(5_000));
  closing.push(() => broker.stop?.(AbortSignal.timeout(5_000)));
  return { broker, handler, refusals: (uid: string) => downlink.port.refusals(uid) };
}

async function logIn({ broker }: { broker: AedesBroker }, options: IClientOptions = {}): Promise<MqttClient> {
  const url = `mqtts://127.0.0.1:${broker.ports().tls}`;
  const client = await mqtt.connectAsync(url, { ca: server.certificate, reconnectPeriod: 0, ...options });
  client.on('error', () => {});
  closing.push(() => client.endAsync(true));
  return client;
}

const fingerprintOf = ({ certFile }: TestCertificate) =>
  pki.openssl('x509', '-in', certFile, '-noout', '-fingerprint', '-sha256').trim().split('=')[1]?.replaceAll(':', '');

describe('client certificates', () => {
  test('whoever shows one logs in without a name and a password, and the handler gets the certificate', async () => {
    const rig = await start();
    const client = await logIn(rig, { cert: alpha.certificate, key: alpha.key });
    await client.publishAsync('devices/alpha/telemetry', 'a', { qos: 1 });
    await rig.handler.saw('message alpha telemetry a');
    const [identity] = rig.handler.shown;
    if (identity?.kind !== 'certificate') throw new Error('not by certificate');
    expect(identity.username).toBe('');
    expect(identity.certificate.fingerprint.toUpperCase()).toBe(fingerprintOf(alpha));
    expect(Buffer.from(identity.certificate.der).toString('base64')).toBe(
      alpha.certificate.replaceAll(/-----.*-----|\s/g, ''),
    );
  });

  test('optional: who has none logs in with its secret', async () => {
    const rig = await start();
    await logIn(rig, { username: 'alpha', password: 'alpha-secret' });
    expect(rig.handler.shown).toEqual([{ kind: 'secret', username: 'alpha', secret: 'alpha-secret' }]);
  });

  test('off: nobody is asked for one', async () => {
    const rig = await start({ clientCertificates: 'off' });
    await expect(logIn(rig, { cert: alpha.certificate, key: alpha.key })).rejects.toMatchObject({ code: 5 });
    expect(rig.handler.shown).toEqual([]);
  });

  test('required: a secret alone is refused, and the reason is kept; over TCP it counts', async () => {
    const rig = await start({ clientCertificates: 'required' });
    await expect(logIn(rig, { username: 'alpha', password: 'alpha-secret' })).rejects.toMatchObject({ code: 5 });
    expect(rig.refusals('alpha')).toMatchObject([{ reason: 'certificate_required' }]);
    await logIn(rig, { username: 'alpha', password: 'no matter', cert: alpha.certificate, key: alpha.key });
    const tcp = { username: 'alpha', password: 'alpha-secret', reconnectPeriod: 0 };
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${rig.broker.ports().mqtt}`, tcp);
    await client.endAsync();
  });

  test('a refusal is answered with CONNACK 5, and its reason is kept with the device', async () => {
    const rig = await start();
    rig.handler.answer = { refused: 'certificate_revoked', deviceUid: 'alpha' };
    await expect(logIn(rig, { cert: alpha.certificate, key: alpha.key })).rejects.toMatchObject({ code: 5 });
    expect(rig.refusals('alpha')).toMatchObject([{ reason: 'certificate_revoked', ipAddress: '127.0.0.1' }]);
  });

  test('a certificate without its key gets nowhere', async () => {
    const rig = await start();
    const other = await authority.issue('beta');
    await expect(logIn(rig, { cert: alpha.certificate, key: other.key })).rejects.toThrow();
    expect(rig.handler.shown).toEqual([]);
  });

  test('a TLS session that is resumed shows the certificate still', async () => {
    const rig = await start();
    const options = {
      port: rig.broker.ports().tls ?? 0,
      ca: server.certificate,
      cert: alpha.certificate,
      key: alpha.key,
    };
    const connect = (session?: Buffer): TLSSocket => {
      const socket = connectTls({ host: '127.0.0.1', ...options, ...(session === undefined ? {} : { session }) });
      closing.push(() => socket.destroy());
      socket.write(packets.connect({ uid: 'alpha', secret: '' }));
      return socket;
    };
    const connack = (socket: TLSSocket) => new Promise((resolve) => socket.once('data', resolve));
    const first = connect();
    // A client is given tickets by a full handshake only.
    const [session] = await Promise.all([
      new Promise<Buffer>((resolve) => first.once('session', resolve)),
      connack(first),
    ]);
    const second = connect(session);
    await connack(second);
    expect([first.isSessionReused(), second.isSessionReused()]).toEqual([false, true]);
    expect(rig.handler.shown.map(({ kind }) => kind)).toEqual(['certificate', 'certificate']);
  });

  test('the end of a certificate ends the connections that showed it, and no other of the device', async () => {
    const rig = await start();
    const other = await authority.issue('alpha');
    const one = await logIn(rig, { clientId: 'one', cert: alpha.certificate, key: alpha.key });
    const two = await logIn(rig, { clientId: 'two', cert: other.certificate, key: other.key });
    const closed = new Promise<void>((resolve) => one.once('close', () => resolve()));
    await rig.broker.disconnect('alpha', { certificate: fingerprintOf(alpha)?.toLowerCase() ?? '' });
    await closed;
    await two.publishAsync('devices/alpha/telemetry', 'still here', { qos: 1 });
  });
});

describe('the certificate of the server', () => {
  interface Line {
    readonly level: 'info' | 'warn';
    readonly text: string;
  }

  function recorder(): { readonly logger: Logger; readonly lines: Line[] } {
    const lines: Line[] = [];
    const write = (level: Line['level']) => (_fields: object, text: string) => void lines.push({ level, text });
    const logger: Logger = { ...silentLogger, info: write('info'), warn: write('warn'), child: () => logger };
    return { logger, lines };
  }

  async function reloading() {
    const [certFile, keyFile] = [join(pki.path, 'live.pem'), join(pki.path, 'live.key')];
    copyFileSync(server.certFile, certFile);
    copyFileSync(server.keyFile, keyFile);
    const { logger, lines } = recorder();
    const rig = await start({ certFile, keyFile, checkFilesMs: 10 }, logger);
    /** What a new connection is shown. */
    const shown = async () => {
      const socket = connectTls({ host: '127.0.0.1', port: rig.broker.ports().tls ?? 0, rejectUnauthorized: false });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256.replaceAll(':', '');
    };
    return { rig, lines, certFile, keyFile, shown };
  }

  test('is read again when its files change, and connections that stand stay', async () => {
    const { rig, lines, certFile, keyFile, shown } = await reloading();
    const client = await logIn(rig, { username: 'alpha', password: 'alpha-secret' });
    const next = pki.server();
    copyFileSync(next.certFile, certFile);
    copyFileSync(next.keyFile, keyFile);
    await eventually(async () => expect(await shown()).toBe(fingerprintOf(next)));
    expect(lines.filter(({ level }) => level === 'info')).toEqual([
      { level: 'info', text: 'the TLS certificate was read again' },
    ]);
    await client.publishAsync('devices/alpha/telemetry', 'still here', { qos: 1 });
    await logIn(rig, { username: 'alpha', password: 'alpha-secret', ca: next.certificate });
  });

  test('stays while the new pair is bad, with one line in the log; then the good one counts', async () => {
    const { lines, certFile, keyFile, shown } = await reloading();
    const next = pki.server();
    copyFileSync(next.certFile, certFile);
    await eventually(() => expect(lines).toHaveLength(1));
    expect(await shown()).toBe(fingerprintOf(server));
    writeFileSync(keyFile, 'not a key');
    await eventually(() => expect(lines).toHaveLength(2));
    expect(await shown()).toBe(fingerprintOf(server));
    copyFileSync(next.keyFile, keyFile);
    await eventually(async () => expect(await shown()).toBe(fingerprintOf(next)));
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'info']);
  });
});
