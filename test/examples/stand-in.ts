import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Aedes } from 'aedes';

export interface Said {
  readonly channel: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the device says
  readonly content: any;
}

/** In the place of core-api, where a test has to say when a device gets which message, and how often. */
export interface StandIn {
  readonly settings: { readonly MQTT_PORT: string; readonly API_URL: string };
  /** What the device said on a channel so far, over MQTT and HTTP. */
  said(channel: string): readonly Said['content'][];
  /** Whether the device listens now. */
  isListening(uid: string): boolean;
  send(uid: string, channel: 'command' | 'config', content: object): void;
  close(): Promise<void>;
}

export async function startStandIn(): Promise<StandIn> {
  const said: Said[] = [];
  const listening = new Set<string>();
  const broker = await Aedes.createBroker();
  broker.on('publish', ({ topic, payload }, client) => {
    if (client === null) return;
    said.push({ channel: topic.split('/')[2] ?? '', content: JSON.parse(String(payload)) });
  });
  broker.on('subscribe', (_, client) => listening.add(client.id));
  broker.on('clientDisconnect', (client) => listening.delete(client.id));
  const mqtt = createTcpServer(broker.handle).listen(0, '127.0.0.1');
  const http = createHttpServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const channel = request.url?.split('/').at(-1) ?? '';
    for (const line of body.split('\n').filter(Boolean)) said.push({ channel, content: JSON.parse(line) });
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await Promise.all([once(mqtt, 'listening'), once(http, 'listening')]);
  return {
    settings: {
      MQTT_PORT: String((mqtt.address() as AddressInfo).port),
      API_URL: `http://127.0.0.1:${(http.address() as AddressInfo).port}/api/v1`,
    },
    said: (channel) => said.filter((one) => one.channel === channel).map(({ content }) => content),
    isListening: (uid) => listening.has(uid),
    send(uid, channel, content) {
      const packet = { cmd: 'publish', dup: false, retain: false, qos: 1 } as const;
      broker.publish({ ...packet, topic: `devices/${uid}/${channel}`, payload: JSON.stringify(content) }, () => {});
    },
    async close() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      mqtt.close();
      http.closeAllConnections();
      http.close();
    },
  };
}
