import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianProgram, run, scratch } from './tools.ts';
import { withServer } from './with-server.ts';

export async function promtool(): Promise<string> {
  const program = await debianProgram('prometheus', 'usr/bin/promtool');
  return await withServer(async ({ httpUrl }, api) => {
    await api.registerDevice();
    const text = await (await fetch(`${httpUrl}/metrics`)).text();
    const file = join(scratch('promtool'), 'metrics');
    writeFileSync(file, text);
    await run('sh', ['-c', '"$0" check metrics < "$1"', program, file]);
    return `${text.split('\n').filter((line) => line.startsWith('# TYPE')).length} metrics`;
  });
}
