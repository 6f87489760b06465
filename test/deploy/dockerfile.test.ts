import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '#main/settings.ts';
import { freePort } from '#test/support/server-process.ts';
import { readText, root } from './files.ts';

const text = readText('deploy/Dockerfile');
/** Instructions with continued lines joined, comments left out. */
const instructions = text
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .map((line) => line.trim())
  .filter(Boolean)
  .map((line) => ({ name: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));
const all = (name: string) => instructions.filter((each) => each.name === name).map(({ rest }) => rest);

/** A server that answers only when it was asked a few times before, and ends with `code` on SIGTERM. */
const slowServer = (code: number) => `
  let asked = 0;
  const server = require('http').createServer((_, reply) => reply.writeHead((asked += 1) > 3 ? 200 : 503).end());
  process.on('SIGTERM', () => process.exit(${code}));
  server.listen(Number(process.env.PORT), '127.0.0.1');`;

describe('deploy/warm-up.sh', () => {
  test.each([
    ['waits for a server that is slow, and stops it', slowServer(0), 0],
    ['fails with a server that does not stop in order', slowServer(4), 4],
    ['fails with a server that does not start', 'process.exit(1)', 1],
    ['fails with a server that ends by itself', 'process.exit(0)', 1],
  ])('%s', async (_, program, status) => {
    const port = await freePort();
    const args = [join(root, 'deploy/warm-up.sh'), `http://127.0.0.1:${port}/livez`, process.execPath, '-e', program];
    const run = spawn('sh', args, { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
    expect((await once(run, 'exit'))[0]).toBe(status);
  });
});

describe('deploy/Dockerfile', () => {
  test('is built on the Node that everything else runs on', () => {
    const lock = JSON.parse(readText('package-lock.json')) as { packages: Record<string, { version: string }> };
    const version = lock.packages['node_modules/node']?.version;
    expect(all('ARG')).toEqual([expect.stringContaining(`NODE_IMAGE=node:${version}-`)]);
    expect(all('FROM').every((from) => /^(\$\{NODE_IMAGE\}|everything) AS /.test(from))).toBe(true);
  });

  test('runs as a numbered user that is not root', () => {
    expect(all('USER').at(-1)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test('asks whether the process lives', () => {
    expect(all('HEALTHCHECK')).toEqual([expect.stringContaining('/livez')]);
    expect(all('HEALTHCHECK')[0]).toContain(`HTTP_PORT || ${SETTINGS.HTTP_PORT.default}`);
  });

  test('holds no development dependency and nothing secret', () => {
    const installs = all('RUN').filter((run) => /\bnpm\b/.test(run));
    // The second one is in a stage of which the image takes the bundle and the console alone.
    expect(installs).toEqual([
      expect.stringMatching(/npm ci --omit=dev --ignore-scripts$/),
      expect.stringMatching(/npm ci --ignore-scripts$/),
    ]);
    const cache = './node_modules/.cache/core-api-bundle';
    expect(all('COPY').filter((copy) => copy.startsWith('--from='))).toEqual([
      '--from=dependencies /app/node_modules ./node_modules',
      '--from=console /app/console/dist ./console/dist',
      `--from=bundle /app/node_modules/.cache/core-api-bundle ${cache}`,
    ]);
    expect(instructions.filter(({ name }) => name === 'ADD' || name === 'VOLUME')).toEqual([]);
    const named = [...all('ENV'), ...all('ARG')].join(' ');
    expect(named).not.toMatch(/password|secret|token|_url/i);
  });

  test('sets only what is a setting, or speaks to Node or libc', () => {
    const set = all('ENV').flatMap((env) => env.split(' ').map((pair) => pair.split('=')));
    const ofOthers = ['NODE_ENV', 'MALLOC_ARENA_MAX'];
    const unknown = set.filter(([name = '']) => !ofOthers.includes(name) && !(name in SETTINGS));
    expect(unknown).toEqual([]);
    expect(set).toContainEqual(['HTTP_HOST', '0.0.0.0']);
  });

  test('exposes the default ports', () => {
    expect(all('EXPOSE')).toEqual([`${SETTINGS.HTTP_PORT.default} ${SETTINGS.MQTT_PORT.default}`]);
  });

  test('starts what is there, with the compile cache', () => {
    const [entry, command] = ['ENTRYPOINT', 'CMD'].map((name) => JSON.parse(all(name)[0] ?? '[]') as string[]);
    expect(entry).toEqual(['node', '--import', './src/main/compile-cache.js']);
    for (const file of [entry?.[2], command?.[0]]) expect(existsSync(join(root, file ?? '?'))).toBe(true);
  });

  test('warms up for as long as the machine needs', () => {
    const [warm = ''] = all('RUN').filter((run) => run.includes('start.js'));
    expect(warm).toContain('sh deploy/warm-up.sh http://127.0.0.1:8000/livez node --import');
    expect(warm).not.toMatch(/\btimeout\b/);
  });

  test('copies only what .dockerignore lets in, and that lets in nothing else', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => /^[^#]/.test(line));
    expect(ignored[0]).toBe('*');
    const allowed = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = all('COPY')
      .filter((copy) => !copy.startsWith('--from='))
      .flatMap((copy) => copy.split(' ').slice(0, -1));
    expect(new Set(copied)).toEqual(new Set(allowed));
    for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true);
  });
});
