import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { coalesce } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import { fingerprintOf } from '../../x509/x509.port.ts';
import type { ClientCertificate } from '../mqtt.port.ts';

export interface TlsListenerOptions {
  readonly port: number;
  /** PEM: the chain, its own certificate first. */
  readonly certFile: string;
  /** PEM */
  readonly keyFile: string;
  /**
   * Whether devices are asked for a certificate. TLS proves that a device has the key of what it shows, and nothing else: who
   * issued it is asked at the login, which can be answered with a reason. So the list of authorities may change at any time.
   */
  readonly clientCertificates?: 'off' | 'optional' | 'required';
  /** How often the files are looked at. Default 5 s. */
  readonly checkFilesMs?: number;
}

export interface TlsListener {
  readonly server: Server;
  /** Looks at the files no more. */
  close(): void;
}

const CHECK_FILES_MS = 5_000;

/**
 * A TLS server whose certificate follows its files: when they change it is read again, for new connections. While the
 * two do not fit together the former pair stays.
 * @throws Error with the system's `code`, such as `ENOENT`, or OpenSSL's, when the files cannot be used at the start
 */
export async function createTlsListener(
  { certFile, keyFile, clientCertificates = 'off', checkFilesMs = CHECK_FILES_MS }: TlsListenerOptions,
  sockets: TlsOptions,
  accept: (socket: TLSSocket) => void,
  logger: Logger,
): Promise<TlsListener> {
  // No authorities: the default ones would only cost memory, and devices are not told whose certificates are wanted.
  const read = async () => ({ cert: await readFile(certFile), key: await readFile(keyFile), ca: [] });
  const files = [certFile, keyFile];
  let seen = await stateOf(files);
  let pair = await read();
  const server = createServer(
    { ...sockets, ...pair, requestCert: clientCertificates !== 'off', rejectUnauthorized: false },
    accept,
  );

  async function check(): Promise<void> {
    const state = await stateOf(files);
    if (state === seen) return;
    seen = state;
    try {
      const next = await read();
      if (next.cert.equals(pair.cert) && next.key.equals(pair.key)) return;
      server.setSecureContext(next);
      pair = next;
      const { subject, validTo } = new X509Certificate(next.cert);
      logger.info({ file: certFile, subject, not_after: validTo }, 'the TLS certificate was read again');
    } catch (error) {
      logger.warn({ err: error, file: certFile }, 'the TLS certificate cannot be used; the former one stays');
    }
  }

  const { run } = coalesce(check);
  const timer = setInterval(() => void run(), checkFilesMs);
  timer.unref();
  return { server, close: () => clearInterval(timer) };
}

/** What the device has shown and has the key of. The same in a session that is resumed. */
export function clientCertificateOf(socket: Socket | TLSSocket): ClientCertificate | null {
  const shown = 'getPeerX509Certificate' in socket ? socket.getPeerX509Certificate() : undefined;
  if (shown === undefined) return null;
  return { der: shown.raw, fingerprint: fingerprintOf(shown) };
}

/** Differs when a file was written, replaced or removed. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`,
        () => 'missing',
      ),
    ),
  );
  return states.join(', ');
}
