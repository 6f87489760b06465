import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SETTINGS } from '#main/settings.ts';
import { VERSION } from '#main/version.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import {
  at,
  complaints,
  filesIn,
  type Mapping,
  mergeCompose,
  readCompose,
  readText,
  root,
  schemaOf,
  settingProblems,
  writtenPasswords,
} from './files.ts';

const valid = schemaOf('compose-spec.json');
const base = readCompose('docker-compose.yml');
const over = readCompose('docker-compose.prod.yml');
const files: readonly (readonly [string, Mapping])[] = [
  ['docker-compose.yml', base.content],
  ['docker-compose.prod.yml', over.content],
  ['both together', mergeCompose(base, over)],
];
const development = base.content;
const production = mergeCompose(base, over);

const services = (file: Mapping) => Object.entries(file['services'] as Record<string, Mapping>);
const ours = (file: Mapping) => services(file).filter(([, service]) => 'build' in service);
const environment = (service: Mapping | undefined) => (service?.['environment'] ?? {}) as Mapping;
const list = (service: Mapping | undefined, key: string) => (service?.[key] ?? []) as readonly unknown[];
const roles = (service: Mapping) => environment(service)['ROLES'];
const service = (file: Mapping, name: string) => services(file).find(([known]) => known === name)?.[1];
const isServer = ([, each]: readonly [string, Mapping]) => !list(each, 'command').includes('migrate');

describe.each(files)('%s', (_name, file) => {
  test('is what the Compose Specification asks for', () => {
    expect(complaints(valid, file)).toEqual([]);
  });

  test('gives core-api settings that exist, with accepted values', () => {
    expect(ours(file).flatMap(([, each]) => settingProblems(environment(each)))).toEqual([]);
  });

  test('names a version of every image', () => {
    const images = services(file).flatMap(([, each]) => ('image' in each ? [String(each['image'])] : []));
    expect(images.filter((image) => !/:[^:/}]+\}?$/.test(image) || /latest/.test(image))).toEqual([]);
    expect(images.length).toBeGreaterThan(3);
  });

  test('lets every image be named by its digest', () => {
    const images = services(file).flatMap(([, each]) => ('image' in each ? [String(each['image'])] : []));
    const fixed = images.filter((image) => !/^\$\{[A-Z_]+_IMAGE:-.+\}$/.test(image));
    expect(fixed).toEqual(fixed.filter((image) => image === 'core-api:development'));
  });

  test('has a default for nothing that is secret', () => {
    const variables = [...JSON.stringify(file).matchAll(/\$\{([A-Z_]+)([^}]*)\}/g)];
    const secret = variables.filter(([, name = '']) => /PASSWORD|SECRET|TOKEN|KEY|URL|CERTS/.test(name));
    expect(secret.filter(([, , rest = '']) => !rest.startsWith(':?')).map(([found]) => found)).toEqual([]);
    const literal = services(file).flatMap(([, each]) =>
      Object.entries(environment(each)).filter(
        ([name, value]) => /PASSWORD|AUTH/.test(name) && !/RANDOM/.test(name) && !/^\$\{/.test(String(value)),
      ),
    );
    expect(literal).toEqual([]);
  });

  test('shields core-api: no new rights, nothing to write to but its volumes', () => {
    for (const [name, each] of ours(file)) {
      expect(each, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true });
      expect(Number.parseInt(String(each['stop_grace_period']), 10), name).toBeGreaterThan(10);
      expect(each, name).not.toHaveProperty('privileged');
    }
  });
});

test('the schema refuses a misspelt key', () => {
  const wrong = { services: { app: { image: 'x:1', volums: [] } } };
  expect(complaints(valid, wrong)).toEqual([expect.stringContaining('volums')]);
});

describe('development', () => {
  test('runs the sources of this folder and restarts upon a change', () => {
    const app = service(development, 'app');
    expect(list(app, 'volumes')).toContain('./src:/app/src:ro');
    expect(list(app, 'command')).toEqual(['--watch', 'src/main/server.ts']);
    expect(app?.['depends_on']).toMatchObject({ redis: {}, mosquitto: {} });
  });

  test('opens ports on this machine only', () => {
    const ports = services(development).flatMap(([, each]) => list(each, 'ports').map(String));
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(ports).toContain(`127.0.0.1:8000:${SETTINGS.HTTP_PORT.default}`);
    expect(ports).toContain(`127.0.0.1:1883:${SETTINGS.MQTT_PORT.default}`);
  });

  test('starts MariaDB and MongoDB only when asked', () => {
    const optional = services(development).filter(([, each]) => 'profiles' in each);
    expect(optional.map(([name]) => name)).toEqual(['mariadb', 'mongodb']);
  });
});

describe('production', () => {
  const servers = ours(production).filter(isServer);

  test('is four app processes, two workers and a scheduler', () => {
    const count = (wanted: string) =>
      servers
        .filter(([, each]) => roles(each) === wanted)
        .reduce((sum, [, each]) => sum + Number(at(each, 'deploy', 'replicas') ?? 1), 0);
    expect([count('api,ingest'), count('worker'), count('scheduler')]).toEqual([4, 2, 1]);
  });

  test('gives every ingest process a name that lasts', () => {
    const ingest = servers.filter(([, each]) => String(roles(each)).includes('ingest'));
    expect(new Set(ingest.map(([, each]) => each['hostname'])).size).toBe(4);
    expect(ingest.filter(([, each]) => each['hostname'] === undefined || 'deploy' in each)).toEqual([]);
  });

  test('runs on outside stores, and says little', () => {
    for (const [name, each] of servers) {
      expect(environment(each), name).toMatchObject({
        DATABASE_URL: expect.any(String),
        DOCUMENTS_URL: expect.any(String),
        REDIS_URL: expect.stringContaining('redis:6379'),
        MQTT_URL: expect.stringContaining('mosquitto:1882'),
        LOG_LEVEL: 'warn',
      });
    }
  });

  test('takes the sources from the image, and shares the signing keys', () => {
    for (const [name, each] of ours(production)) {
      expect(list(each, 'volumes'), name).toEqual(['keys:/data/keys']);
      expect(each['image'], name).toContain(`core-api:${VERSION}`);
      expect(list(each, 'command')[0], name).toMatch(/^src\/main\/(start\.js|cli\.ts)$/);
    }
  });

  test('starts nothing before the migration is done', () => {
    for (const [name, each] of servers) {
      expect(at(each, 'depends_on', 'migrate', 'condition'), name).toBe('service_completed_successfully');
    }
    expect(service(production, 'migrate')).toMatchObject({ command: ['src/main/cli.ts', 'migrate'], restart: 'no' });
  });

  test('publishes the proxy and MQTT over TLS, nothing else', () => {
    const published = services(production).flatMap(([name, each]) =>
      list(each, 'ports').map((port) => `${name} ${String(port).split(':').at(-1)}`),
    );
    expect(published.sort()).toEqual(['mosquitto 8883', 'proxy 8080']);
    expect(readText('deploy/compose/haproxy.cfg')).toMatch(/^ {2}bind :8080$/m);
  });

  test('has a proxy that knows every app process and whether it is ready', () => {
    const config = readText('deploy/compose/haproxy.cfg');
    const expected = servers
      .filter(([, each]) => String(roles(each)).includes('api'))
      .map(([name]) => `${name}:${SETTINGS.HTTP_PORT.default}`);
    for (const backend of config.split(/^backend /m).slice(1)) {
      expect([...backend.matchAll(/^ {2}server \S+ (\S+)$/gm)].map(([, address]) => address)).toEqual(expected);
    }
    expect(config).toContain('option httpchk GET /readyz');
    // TRUST_PROXY=true is safe only as long as no client can say who it is.
    expect(config).toContain('http-request set-header X-Forwarded-For %[src]');
  });

  test('needs no variable that the template and passwords.sh do not name', () => {
    const needed = [...JSON.stringify(production).matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name);
    const passwords = execFileSync('sh', [join(root, 'deploy/compose/passwords.sh')], { encoding: 'utf8' });
    const template = readText('deploy/compose/production.env.example');
    const named = [...`${passwords}\n${template}`.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(needed.filter((name) => !named.includes(name))).toEqual([]);
    const values = [...passwords.matchAll(/=(.*)$/gm)].map(([, value = '']) => value);
    expect(values.filter((value) => !/^[0-9a-f]{48}$/.test(value))).toEqual([]);
    expect(new Set(values).size).toBe(values.length);
  });

  test('leaves every secret of the template empty', () => {
    const template = readText('deploy/compose/production.env.example');
    const filled = [...template.matchAll(/^([A-Z_]*(?:URL|PASSWORD|CERTS))=(.+)$/gm)];
    expect(filled).toEqual([]);
  });
});

test('digests.sh pins every image that is not our own', () => {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  writeFileSync(join(path, 'docker'), '#!/bin/sh\necho "sha256:of-$4"\n', { mode: 0o755 });
  const env = { ...process.env, PATH: `${path}${delimiter}${process.env['PATH']}` };
  const printed = execFileSync('sh', [join(root, 'deploy/compose/digests.sh')], { encoding: 'utf8', env });
  const pinned = printed.trim().split('\n');
  const texts = ['docker-compose.yml', 'docker-compose.prod.yml', 'deploy/Dockerfile'].map(readText).join('\n');
  const named = [...texts.matchAll(/([A-Z_]+_IMAGE)(?::-|=)([^}\s<]+)/g)].filter(
    ([, name]) => name !== 'CORE_API_IMAGE',
  );
  expect(named.length).toBeGreaterThan(5);
  expect(pinned.toSorted()).toEqual(
    [...new Set(named.map(([, name, image]) => `${name}=${image}@sha256:of-${image}`))].toSorted(),
  );
});

test('MongoDB has a user for core-api who is not its root', () => {
  const mongodb = service(development, 'mongodb');
  expect(environment(mongodb)).toMatchObject({
    MONGO_INITDB_ROOT_USERNAME: 'root',
    MONGO_INITDB_ROOT_PASSWORD: expect.stringContaining('MONGODB_ROOT_PASSWORD'),
    MONGODB_PASSWORD: expect.stringContaining('MONGODB_PASSWORD'),
  });
  expect(list(mongodb, 'volumes')).toContain('./deploy/compose/mongodb.js:/docker-entrypoint-initdb.d/core-api.js:ro');
  const made: unknown[] = [];
  const db = { getSiblingDB: (name: string) => ({ createUser: (user: object) => made.push({ name, ...user }) }) };
  runInNewContext(readText('deploy/compose/mongodb.js'), { db, process: { env: { MONGODB_PASSWORD: 'of the user' } } });
  const roles = [{ role: 'readWrite', db: 'core_api' }];
  expect(made).toEqual([{ name: 'core_api', user: 'core_api', pwd: 'of the user', roles }]);
  // It is a user of that database, not of `admin`.
  expect(readText('deploy/README.md')).not.toContain('authSource=admin');
});

test('the start script of Mosquitto changes lines that the configuration has', () => {
  const config = readText('deploy/mosquitto/mosquitto.conf');
  for (const line of [/^plugin .*mosquitto_dynamic_security\.so$/m, /^listener 1882 /m, /^listener 8883\b/m]) {
    expect(config).toMatch(line);
  }
  expect(config).toContain('plugin_opt_config_file /mosquitto/data/dynamic-security.json');
  expect(config).toContain('certfile /mosquitto/certs/server.crt');
  expect(config).toMatch(/^allow_anonymous false$/m);
});

test('no file has an address with a password in it', () => {
  const texts = ['docker-compose.yml', 'docker-compose.prod.yml', ...filesIn('deploy')];
  expect(texts.flatMap((path) => writtenPasswords(readText(path)).map((found) => `${path}: ${found}`))).toEqual([]);
  expect(writtenPasswords("'mysql://core:hunter2@db:3306/core'")).toHaveLength(1);
});
