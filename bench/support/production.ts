import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { startMariadb } from '../../test/support/servers/mariadb.ts';
import { startMongodb } from '../../test/support/servers/mongodb.ts';
import { devicePortOf, startMosquitto } from '../../test/support/servers/mosquitto.ts';
import { startRedis } from '../../test/support/servers/redis.ts';
import type { TestServer } from '../../test/support/servers.ts';
import type { ExtraSettings } from './system.ts';

/** Every server of the production profile, private and on the loopback, except a MongoDB that the environment names. */
export interface ProductionServers extends AsyncDisposable {
  readonly settings: ExtraSettings;
  /** With the account that may manage others. */
  readonly brokerUrl: string;
  readonly devicePort: number;
  /** Which server keeps documents and telemetry, in words. */
  readonly documents: string;
  /** Figures against a stand-in say nothing about MongoDB. */
  readonly hasRealMongodb: boolean;
}

export async function startProductionServers(): Promise<ProductionServers> {
  const started: TestServer[] = [];
  const start = async (name: string, starter: () => Promise<TestServer | null>) => {
    const server = await starter();
    if (server === null) throw new Error(`${name} is not on this machine: npm run services:install`);
    started.push(server);
    return server.url;
  };
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  const database = `core_api_bench_${randomBytes(6).toString('hex')}`;
  const given = process.env['TEST_MONGODB_URL'] ?? '';
  try {
    const [mariadb, mongodb, redis, mosquitto] = [
      await start('MariaDB', startMariadb),
      given === '' ? await start('MongoDB', startMongodb) : given,
      await start('Redis', startRedis),
      await start('Mosquitto', startMosquitto),
    ];
    const documentsUrl = withPath(mongodb, database);
    const { text, isReal } = await whichMongodb(documentsUrl);
    const devicePort = devicePortOf(mosquitto);
    const brokerUrl = mosquitto.split('?')[0] as string;
    return {
      settings: {
        DATABASE_URL: withPath(mariadb, database),
        DOCUMENTS_URL: documentsUrl,
        REDIS_URL: redis,
        MQTT_URL: brokerUrl,
        MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePort}`,
        INSTANCE_ID: 'bench',
      },
      brokerUrl,
      devicePort,
      documents: text,
      hasRealMongodb: isReal,
      async [Symbol.asyncDispose]() {
        if (given !== '') await withMongodb(documentsUrl, (client) => client.db(database).dropDatabase());
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function withPath(address: string, path: string): string {
  const url = new URL(address);
  url.pathname = `/${path}`;
  return url.href;
}

async function withMongodb<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Look-alikes answer `buildInfo` with a version, but know nothing of storage engines. */
async function whichMongodb(url: string): Promise<{ readonly text: string; readonly isReal: boolean }> {
  const { version, storageEngines } = await withMongodb(url, (client) => client.db().command({ buildInfo: 1 }));
  const isReal = Array.isArray(storageEngines) && storageEngines.includes('wiredTiger');
  const text = isReal ? `MongoDB ${version}` : `a stand-in for MongoDB (speaks the protocol of ${version})`;
  return { text, isReal };
}
