// The server and the packages that it starts with, in a few files: a start that reads these instead of some 1,400
// takes two thirds of the time and 20 MB less. `npm ci` makes it (script `prepare`), start.js uses it while it is
// fresh: docs/adr/0047-the-server-in-a-bundle.md. JavaScript, because it runs on the Node that runs npm.
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = 'node_modules/.cache/core-api-bundle';
const ENTRY = 'src/main/server.ts';

/** Loaded by name, from node_modules: what only some installations or some requests need. */
const LEFT_OUT = [
  /^node:/,
  /^@bull-board\//,
  /^@duckdb\//,
  /^@fastify\/swagger/,
  /^@opentelemetry\//,
  '@socket.io/redis-adapter',
  /^bullmq/,
  'ioredis',
  'mongodb',
  'mqtt',
  /^mysql2/,
  'nodemailer',
  'openid-client',
  // Finds its worker beside itself.
  'pino',
  'pino-pretty',
  // Native parts that ws does without.
  'bufferutil',
  'utf-8-validate',
];

/**
 * The URL of the bundle, if every source file in it is as it was; otherwise null.
 * @param {string} [root] of the project
 * @returns {string | null}
 */
export function freshBundle(root = ROOT) {
  try {
    const { files } = JSON.parse(readFileSync(join(root, FOLDER, 'manifest.json'), 'utf8'));
    for (const [path, before] of Object.entries(files)) {
      const { size, mtimeMs } = statSync(join(root, path));
      // A copy has another time, which says nothing; whoever saves a file changes that as well.
      if (size !== before.size || (mtimeMs !== before.mtimeMs && hashOf(root, path) !== before.hash)) return null;
    }
    return pathToFileURL(join(root, FOLDER, 'server.mjs')).href;
  } catch {
    return null;
  }
}

/**
 * Notes which source files are in the bundle that is in `folder`.
 * @param {string} root of the project
 * @param {string} folder
 * @param {readonly string[]} sources paths from the root
 */
export function writeManifest(root, folder, sources) {
  const files = Object.fromEntries(
    sources.map((path) => {
      const { size, mtimeMs } = statSync(join(root, path));
      return [path, { size, mtimeMs, hash: hashOf(root, path) }];
    }),
  );
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ files }));
}

function hashOf(root, path) {
  return createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('base64url');
}

/** What a module finds beside itself, it still finds: from where the bundle is. */
const beside = {
  name: 'beside',
  transform(code, id) {
    if (!code.includes('import.meta.')) return null;
    const url = `new URL(${JSON.stringify(relative(join(ROOT, FOLDER), id))}, import.meta.url)`;
    const text = code.replaceAll(/\bimport\.meta\.(url|dirname)\b/g, (_whole, what) =>
      what === 'url' ? `${url}.href` : `__fileURLToPath(new URL('.', ${url}))`,
    );
    return `import { fileURLToPath as __fileURLToPath } from 'node:url';${text}`;
  },
};

/** Makes nothing without rolldown, which an installation for production alone does not have. */
async function makeBundle() {
  const { rolldown } = await import('rolldown').catch(() => ({ rolldown: null }));
  if (rolldown === null) return;
  const bundle = await rolldown({
    input: join(ROOT, ENTRY),
    cwd: ROOT,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [beside],
    logLevel: 'warn',
  });
  // Made beside, then put in place: a server that starts meanwhile finds the old one, the new one or none.
  const folder = join(ROOT, `${FOLDER}-${process.pid}`);
  const { output } = await bundle.write({
    dir: folder,
    entryFileNames: 'server.mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  const sources = modules.map((path) => relative(ROOT, path)).filter((path) => path.startsWith('src/'));
  writeManifest(ROOT, folder, sources);
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
  renameSync(folder, join(ROOT, FOLDER));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeBundle();
