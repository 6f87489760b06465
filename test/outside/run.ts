/**
 * `npm run outside`: other people's tools against this project, each installed into a cache apart from it. They tell
 * what no test of ours asks: whether clients can be generated, manifests be applied, metrics be scraped.
 *
 * One line a tool: `ok`, `FAILED`, or `skipped` where its registry is away. The last line is `N passed, N failed`.
 */
import { asyncApi } from './asyncapi.ts';
import { kubernetes } from './kubernetes.ts';
import { promtool } from './promtool.ts';
import { pythonClient } from './python-client.ts';
import { redocly } from './redocly.ts';
import { schemathesis } from './schemathesis.ts';
import { lastLineOf, Skipped } from './tools.ts';
import { typescriptClient } from './typescript-client.ts';

const CHECKS: Readonly<Record<string, () => Promise<string>>> = {
  'redocly: the API document': redocly,
  'asyncapi: the document of MQTT and Socket.IO': asyncApi,
  'openapi-typescript: a client': typescriptClient,
  'openapi-python-client: a client': pythonClient,
  'promtool: the metrics': promtool,
  'kubernetes-validate: the manifests': kubernetes,
  'schemathesis: examples and edges of every operation': schemathesis,
};

const say = (line: string) => process.stdout.write(`${line}\n`);

const only = process.argv.slice(2);
let [passed, failed] = [0, 0];
const outcomes: string[] = [];
for (const [name, check] of Object.entries(CHECKS)) {
  if (only.length > 0 && !only.some((word) => name.includes(word))) continue;
  const startedAt = performance.now();
  say(`── ${name}`);
  let outcome: string;
  try {
    outcome = `ok       ${name}: ${await check()}`;
    passed += 1;
  } catch (error) {
    if (error instanceof Skipped) outcome = `skipped  ${name}: ${error.message}`;
    else {
      failed += 1;
      say(error instanceof Error ? error.message : String(error));
      outcome = `FAILED   ${name}: ${lastLineOf(error)}`;
    }
  }
  outcomes.push(`${outcome} (${Math.round((performance.now() - startedAt) / 1_000)} s)`);
}
say(['', ...outcomes].join('\n'));
process.exitCode = failed === 0 ? 0 : 1;
say(`${passed} passed, ${failed} failed`);
