import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { TestServer } from '../servers.ts';
import { findProgram, startPrivateProcess } from './private-process.ts';

/** Where `test/services/mongodb.sh` puts the test server. */
const INSTALLED = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'core-api/mongodb-test-server');

/** A `mongod` of this machine, or else the test server that `npm run services:install` brings. */
export async function startMongodb(): Promise<TestServer | null> {
  const mongod = await findProgram('mongod');
  if (mongod !== null) return await startMongod(mongod);
  const java = await findProgram('java');
  if (java === null || !existsSync(join(INSTALLED, 'version'))) return null;
  return await startPrivateProcess({
    name: 'mongodb',
    command: ({ folder, port }) => [
      java,
      '-Xmx1g',
      '-XX:+UseSerialGC',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      `${join(INSTALLED, 'classes')}:${join(INSTALLED, 'jars/*')}`,
      'MongodbTestServer',
      String(port),
      join(folder, 'journal'),
    ],
    ready: ({ port }) => answers(port),
    url: ({ port }) => `mongodb://127.0.0.1:${port}`,
  });
}

function startMongod(mongod: string): Promise<TestServer> {
  return startPrivateProcess({
    name: 'mongodb',
    command: ({ folder, port }) => [
      mongod,
      ...['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket', '--quiet'],
      ...['--wiredTigerCacheSizeGB', '0.5', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
      // Tests live in other years than the server.
      ...['--setParameter', 'ttlMonitorEnabled=false'],
    ],
    ready: ({ port }) => answers(port),
    url: ({ port }) => `mongodb://127.0.0.1:${port}`,
  });
}

async function answers(port: number): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}`, { serverSelectionTimeoutMS: 500 });
  try {
    await client.db('admin').command({ ping: 1 });
    return true;
  } finally {
    await client.close();
  }
}

/** An address of a database that does not exist yet, on the server at `url`. */
export function databaseIn(url: string): string {
  const address = new URL(url);
  address.pathname = `/test_${randomUUID().replaceAll('-', '')}`;
  return address.href;
}

export async function dropMongoDatabase(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  try {
    await client.db(new URL(url).pathname.slice(1)).dropDatabase();
  } finally {
    await client.close();
  }
}
