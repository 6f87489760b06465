import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, OPENAPI, run, scratch } from './tools.ts';

/** Its recommended rules and some more. https://redocly.com/docs/cli/rules */
const RULES = {
  extends: ['recommended-strict'],
  rules: {
    // Some operations do nothing but to send a browser elsewhere; see `schema-rules.ts`.
    'operation-2xx-response': 'off',
    'no-unused-components': 'error',
    'no-invalid-media-type-examples': 'error',
    'no-invalid-schema-examples': 'error',
  },
};

export async function redocly(): Promise<string> {
  const folder = await npmPackages('@redocly/cli@2.77.0');
  const config = join(scratch('redocly'), 'redocly.yaml');
  writeFileSync(config, JSON.stringify(RULES));
  await run(join(folder, 'node_modules/.bin/redocly'), ['lint', OPENAPI, '--config', config, '--max-problems', '20']);
  return 'its strict recommended rules';
}
