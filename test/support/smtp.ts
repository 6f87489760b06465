import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { ReceivedMail } from '#platform/mail/mail.contract.ts';
import { TEST_CERTIFICATE } from '#platform/mqtt/aedes/certificate.fixture.ts';

export interface TestSmtpServer {
  readonly port: number;
  readonly received: readonly ReceivedMail[];
  refuse(address: string, code: number): void;
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

/**
 * A mail server that keeps what it gets. It offers STARTTLS with `TEST_CERTIFICATE`.
 * @param options of smtp-server, such as `onAuth`
 */
export async function startTestSmtpServer(options: SMTPServerOptions = {}): Promise<TestSmtpServer> {
  const received: ReceivedMail[] = [];
  const refused = new Map<string, number>();
  let port = 0;
  let server: SMTPServer | undefined;

  async function start(): Promise<void> {
    server = new SMTPServer({
      authOptional: options.onAuth === undefined,
      disableReverseLookup: true,
      closeTimeout: 100,
      key: TEST_CERTIFICATE.key,
      cert: TEST_CERTIFICATE.cert,
      onRcptTo(address, _session, callback) {
        const code = refused.get(address.address);
        callback(code === undefined ? null : Object.assign(new Error('Not this one'), { responseCode: code }));
      },
      onData(stream, session, callback) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks).toString('utf8'),
          });
          callback();
        });
      },
      ...options,
    });
    // Clients that go away in the middle, and handshakes that fail.
    server.on('error', () => {});
    const listening = server.listen(port, '127.0.0.1');
    await once(listening, 'listening');
    port = (listening.address() as AddressInfo).port;
  }

  await start();
  return {
    get port() {
      return port;
    },
    received,
    refuse: (address, code) => void refused.set(address, code),
    start,
    stop: () => new Promise((resolve) => (server === undefined ? resolve() : server.close(resolve))),
  };
}
