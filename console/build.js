// Builds the console into console/dist: `npm ci` does (script `prepare`), and a server that finds none. JavaScript, because
// it runs on the Node that runs npm. Does nothing where Vite is absent, as in an installation for production alone.
// Usage: node console/build.js [folder]
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const vite = await import('vite').catch(() => null);
if (vite === null) process.exit(0);

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const dist = process.argv[2] ?? join(root, 'dist');
// Made beside, then put in place: a server that runs meanwhile finds the old one, the new one, or for a moment none.
const made = `${dist}-${process.pid}`;
await vite.build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir: made } });
const old = `${made}-old`;
if (existsSync(dist)) renameSync(dist, old);
renameSync(made, dist);
rmSync(old, { recursive: true, force: true });
