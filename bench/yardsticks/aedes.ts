import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { answerParent } from '../support/child.ts';

export interface YardstickOptions {
  /** Without it, answers of one message wait for the TCP acknowledgement of the one before: 40 ms and more. */
  readonly noDelay: boolean;
}

export interface YardstickReady {
  readonly port: number;
}

/**
 * The broker library with its defaults and an empty handler: what the same messages cost without us. Of its
 * hooks this one comes before the PUBACK, as ours must, and is the fastest that it has.
 */
answerParent<YardstickOptions | null, YardstickReady>(async (options) => {
  const broker = await Aedes.createBroker();
  broker.authorizePublish = (_client, _packet, done) => done(null);
  const server = createServer({ noDelay: options?.noDelay === true }, broker.handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port };
});
