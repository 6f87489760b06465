import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectAsync } from 'mqtt';
import { answerParent } from '../support/child.ts';
import type { ReceiverReady, ReceiverSettings } from '../support/receivers.ts';

/**
 * MQTT.js, which receives and acknowledges and does nothing else: what the same messages from the same broker cost
 * without us. A persistent session like ours, because the broker does more for one.
 */
answerParent<ReceiverSettings, ReceiverReady>(async ({ url, root, counter, maxInFlight }) => {
  let received = 0;
  const client = await connectAsync(url, {
    protocolVersion: 5,
    clientId: 'bench.yardstick',
    clean: false,
    properties: { sessionExpiryInterval: 600, receiveMaximum: maxInFlight },
  });
  client.on('message', () => {
    received += 1;
  });
  await client.subscribeAsync(`${root}/+/telemetry`, { qos: 1 });
  const server = createServer((_request, response) => response.end(`${counter} ${received}\n`)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port };
});
