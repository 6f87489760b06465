import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPENAPI, pythonPackages, run, scratch } from './tools.ts';
import { ACCOUNT, withServer } from './with-server.ts';

/** Content types that the tool does not know; what it sends with them are bytes. */
const FILES = { 'text/csv': 'application/octet-stream', 'application/x-ndjson': 'application/octet-stream' };

/** A package generated from the document without a warning, and real calls with it. */
export async function pythonClient(): Promise<string> {
  const bin = await pythonPackages('openapi-python-client==0.29.1');
  const work = scratch('python-client');
  const config = join(work, 'config.json');
  writeFileSync(config, JSON.stringify({ content_type_overrides: FILES }));
  const generate = [
    'generate',
    '--config',
    config,
    '--path',
    OPENAPI,
    '--output-path',
    join(work, 'core_api_client'),
    '--meta',
    'none',
  ];
  // The package formats itself with the programs of its environment.
  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  await run(join(bin, 'openapi-python-client'), [...generate, '--fail-on-warning'], { cwd: work, env: { PATH: path } });
  return await withServer(async ({ httpUrl }) => {
    const { email, password } = ACCOUNT;
    const program = join(import.meta.dirname, 'clients/client.py');
    const output = await run(join(bin, 'python'), [program, httpUrl, email, password], { env: { PYTHONPATH: work } });
    return output.trim();
  });
}
