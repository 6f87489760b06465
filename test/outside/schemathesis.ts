import { join } from 'node:path';
import { pythonPackages, run, scratch } from './tools.ts';
import { withServer } from './with-server.ts';

/** What ends the session that the tool runs with. */
const LEFT_OUT = ['signOut'];
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
const BUDGET_MS = 300_000;

/** The examples of every operation and the edges of every schema, as a SUPERADMIN. */
export async function schemathesis(): Promise<string> {
  const bin = await pythonPackages('schemathesis==4.32.5');
  return await withServer(async ({ httpUrl }, api) => {
    // Under the ids of the examples there is something then.
    for (let device = 1; device < 12; device += 1) await api.registerDevice();
    const { uid, secret } = await api.registerDevice();
    const basic = `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`;
    for (const name of ['Hall', 'Yard', 'Roof']) await api.call('POST', '/api/v1/device-groups', { name });
    const output = await run(
      join(bin, 'schemathesis'),
      [
        ...['run', `${httpUrl}/openapi.json`, '--url', httpUrl],
        ...['--header', `Authorization: Bearer ${api.token}`],
        ...['--phases', 'examples,coverage', '--checks', CHECKS.join(',')],
        ...LEFT_OUT.flatMap((operation) => ['--exclude-operation-id', operation]),
        ...['--request-timeout', '20', '--seed', '1', '--generation-database', 'none', '--no-color'],
      ],
      {
        cwd: scratch('schemathesis'),
        env: {
          SCHEMATHESIS_HOOKS: 'hooks',
          PYTHONPATH: join(import.meta.dirname, 'clients'),
          DEVICE_AUTHORIZATION: basic,
        },
        timeoutMs: BUDGET_MS,
      },
    );
    const [summary = 'no finding'] = /\d+ generated.*/.exec(output) ?? [];
    return summary;
  });
}
