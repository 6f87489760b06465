import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, ROOT, run } from './tools.ts';

const DOCUMENT = join(ROOT, 'openapi/asyncapi.json');

/** Severity 0 is an error, 1 a warning. */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
const diagnostics = await new Parser().validate(readFileSync(process.argv[2], 'utf8'));
const bad = diagnostics.filter(({ severity }) => severity <= 1);
for (const { code, message, path } of bad) console.log(code, path.join('/'), message);
process.exit(bad.length === 0 ? 0 : 1);
`;

export async function asyncApi(): Promise<string> {
  const folder = await npmPackages('@asyncapi/parser@3.6.6');
  const program = join(folder, 'validate.mjs');
  writeFileSync(program, PROGRAM);
  await run(process.execPath, [program, DOCUMENT]);
  return 'without errors and warnings';
}
