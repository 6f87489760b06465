import type { IForbiddenRuleType } from 'dependency-cruiser';

/*
 * The rules of docs/architecture.md about who may import whom, in dependency-cruiser's terms. Paths are
 * regular expressions on resolved paths; `$1` is the first group of `from.path`.
 */

const tests = '(\\.test|\\.contract)\\.ts$';
/** An installed package, or a bare name that did not resolve. */
const packages = (...names: readonly string[]) => `(^|node_modules/(@types/)?)(${names.join('|')})(/|$)`;
const anyPackage = 'node_modules/';
const suffix = (...names: readonly string[]) => `\\.(${names.join('|')})\\.ts$`;

const adapterFolders = [
  '^src/platform/[^/]+/(mongodb|mariadb|mysql|redis|bullmq|smtp|openid|opentelemetry)/',
  '^src/platform/(mongodb|redis)/',
];
const persistence = ['(^|/)migrations/', suffix('repository', 'tables', 'statements')];
const inbound = suffix('routes', 'mqtt', 'jobs', 'socket');

type Rule = IForbiddenRuleType & { readonly name: string };

const layers: readonly Rule[] = [
  {
    name: 'kernel-imports-nothing',
    from: { path: '^src/kernel/', pathNot: tests },
    to: { path: ['^(src|test|bench)/', anyPackage], pathNot: '^src/kernel/' },
  },
  {
    name: 'platform-imports-kernel-only',
    from: { path: '^src/platform/', pathNot: tests },
    to: { path: '^(src|test|bench)/', pathNot: '^src/(kernel|platform)/' },
  },
  {
    name: 'module-imports-platform-ports-only',
    from: { path: '^src/modules/', pathNot: tests },
    to: { path: '^src/platform/', pathNot: ['\\.port\\.ts$', '^src/platform/http/http\\.schemas\\.ts$'] },
  },
  {
    name: 'module-knows-no-main',
    from: { path: '^src/modules/' },
    to: { path: '^src/main/' },
  },
  {
    name: 'modules-meet-at-index',
    from: { path: '^src/modules/([^/]+)/' },
    to: { path: '^src/modules/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/index\\.ts$'] },
  },
  {
    name: 'main-imports-modules-by-index',
    from: { path: '^src/main/' },
    to: { path: '^src/modules/', pathNot: '^src/modules/[^/]+/index\\.ts$' },
  },
  {
    name: 'source-imports-no-tests',
    from: { path: '^src/', pathNot: tests },
    to: { path: ['^(test|bench)/', tests] },
  },
];

const insideModules: readonly Rule[] = [
  {
    name: 'service-knows-no-technology',
    from: { path: '^src/modules/.*\\.service\\.ts$' },
    to: {
      path: [
        packages('fastify', 'fastify-plugin', '@fastify', 'kysely', 'mongodb', 'mqtt', 'aedes', 'socket\\.io', 'ws'),
        '^(node:)?(process|http|https|net|fs|sqlite)(/|$)',
        '^src/platform/http/',
      ],
    },
  },
  {
    name: 'service-knows-no-edge',
    from: { path: '^src/modules/.*\\.service\\.ts$' },
    to: { path: [inbound, suffix('module'), ...persistence] },
  },
  {
    name: 'edge-goes-through-service',
    from: { path: `^src/modules/.*${inbound}` },
    to: { path: [suffix('module'), ...persistence] },
  },
  {
    name: 'ports-know-no-implementation',
    from: { path: '^src/modules/.*\\.(ports|errors|events)\\.ts$' },
    to: { path: [inbound, suffix('service', 'module', 'schemas'), ...persistence] },
  },
  {
    name: 'schemas-know-no-service',
    from: { path: '^src/modules/.*\\.schemas\\.ts$' },
    to: { path: [inbound, suffix('service', 'module'), ...persistence] },
  },
  {
    name: 'repository-implements-ports',
    from: { path: '^src/modules/.*\\.repository\\.ts$' },
    to: { path: [inbound, suffix('service', 'module', 'schemas')] },
  },
  {
    name: 'kysely-in-repositories-only',
    from: { path: '^src/modules/', pathNot: [...persistence, tests] },
    to: { path: packages('kysely') },
  },
  {
    name: 'only-module-builds-adapters',
    from: { path: '^src/', pathNot: ['\\.module\\.ts$', '\\.repository\\.ts$', tests] },
    to: { path: '\\.repository\\.ts$' },
  },
];

const everywhere: readonly Rule[] = [
  { name: 'no-circular', from: { path: '^src/' }, to: { circular: true } },
  {
    name: 'drivers-in-their-adapters',
    from: { path: '^src/', pathNot: adapterFolders },
    to: {
      path: packages('mongodb', 'mysql2', 'ioredis', 'bullmq', 'nodemailer', 'openid-client', '@opentelemetry'),
      dynamic: false,
    },
  },
  {
    name: 'driver-adapters-loaded-on-demand',
    from: { path: '^src/', pathNot: [...adapterFolders, tests] },
    to: { path: adapterFolders, dynamic: false },
  },
  // An import that does not resolve is one that no other rule sees. Drivers that are not installed have a rule above.
  {
    name: 'imports-resolve',
    from: { path: '^src/' },
    to: { couldNotResolve: true, pathNot: packages('mongodb', 'mysql2', 'ioredis', 'bullmq') },
  },
];

export const importRules: readonly Rule[] = [...layers, ...insideModules, ...everywhere];
