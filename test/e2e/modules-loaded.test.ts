import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server-process.ts';

/** Packages that talk to servers outside the process, or that only some work needs. */
const CLIENTS = [
  'mongodb',
  'mysql2',
  'ioredis',
  '@socket.io/redis-adapter',
  'bullmq',
  'mqtt',
  'nodemailer',
  'openid-client',
  'oauth4webapi',
  'jose',
  '@duckdb/node-api',
];
/** prom-client asks the small `api`, which alone does nothing. */
const isUnwanted = (name: string) => CLIENTS.includes(name) || /^@opentelemetry\/(?!api$)/.test(name);

test.each([
  ['the sources', 'src/main/server.ts', ['fastify', 'aedes', 'kysely', 'socket.io']],
  ['the bundle, if it is fresh', 'src/main/start.js', ['pino']],
])('an embedded start from %s loads no client of a server outside the process', async (_what, entry, loaded) => {
  const folder = temporaryFolder();
  // V8 lists in its coverage report every script that was loaded.
  const report = join(folder.path, 'coverage');
  const server = await startServer({ DATA_DIR: join(folder.path, 'data'), NODE_V8_COVERAGE: report }, entry);
  expect(await server.end('SIGTERM')).toBe(0);
  const packages = new Set<string>();
  for (const file of readdirSync(report)) {
    const { result } = JSON.parse(readFileSync(join(report, file), 'utf8')) as { result: { url: string }[] };
    for (const { url } of result) {
      const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
      if (name !== undefined) packages.add(name);
    }
  }
  expect([...packages]).toEqual(expect.arrayContaining(loaded));
  expect([...packages].filter(isUnwanted)).toEqual([]);
  folder.remove();
});
