import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, OPENAPI, run } from './tools.ts';
import { ACCOUNT, withServer } from './with-server.ts';

/** Types from the document, checked strictly, and real calls through them. */
export async function typescriptClient(): Promise<string> {
  const folder = await npmPackages('openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3');
  const work = join(folder, 'client');
  mkdirSync(work, { recursive: true });
  const bin = join(folder, 'node_modules/.bin');
  await run(join(bin, 'openapi-typescript'), [OPENAPI, '--output', join(work, 'schema.d.ts')]);
  copyFileSync(join(import.meta.dirname, 'clients/client.ts'), join(work, 'client.ts'));
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
  const modern = ['--target', 'es2024', '--module', 'nodenext', '--lib', 'es2024,dom'];
  await run(join(bin, 'tsc'), [...strict, ...modern, join(work, 'client.ts')]);
  return await withServer(async ({ httpUrl }) => {
    const { email, password } = ACCOUNT;
    const output = await run(process.execPath, [join(work, 'client.ts'), httpUrl, email, password]);
    return output.trim();
  });
}
