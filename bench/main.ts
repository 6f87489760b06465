import { analytics } from './scenarios/analytics.ts';
import { api } from './scenarios/api.ts';
import { commands } from './scenarios/commands.ts';
import { consoleLoad } from './scenarios/console.ts';
import { fanout } from './scenarios/fanout.ts';
import { firmware } from './scenarios/firmware.ts';
import { ingest } from './scenarios/ingest.ts';
import { ingestProduction } from './scenarios/ingest-production.ts';
import { mixed } from './scenarios/mixed.ts';
import { rules } from './scenarios/rules.ts';
import { start } from './scenarios/start.ts';
import { storage } from './scenarios/storage.ts';
import { machineFacts, withOthersUse } from './support/machine.ts';
import { print, publish } from './support/report.ts';
import { parseOptions, type Scenario } from './support/scenario.ts';

const scenarios: Readonly<Record<string, Scenario>> = {
  analytics,
  ingest,
  'ingest --profile production': ingestProduction,
  api,
  commands,
  console: consoleLoad,
  mixed,
  fanout,
  firmware,
  rules,
  start,
  storage,
};

async function main([first = '--help', ...rest]: readonly string[]): Promise<number> {
  const [name, args] =
    rest[0] === '--profile' ? [[first, ...rest.slice(0, 2)].join(' '), rest.slice(2)] : [first, rest];
  const scenario = scenarios[name];
  if (scenario === undefined || args.includes('--help')) {
    print(usage());
    return name === '--help' || args.includes('--help') ? 0 : 1;
  }
  const options = parseOptions(scenario, args);
  const machine = machineFacts();
  const { result: report, othersUsedCores } = await withOthersUse(() => scenario.run(options));
  publish({ name, options, machine: { ...machine, others_used_cores: othersUsedCores }, report });
  return report.proofs.every((proof) => proof.holds) ? 0 : 1;
}

function usage(): string {
  const blocks = Object.entries(scenarios).map(([name, { summary, options }]) => {
    const lines = Object.entries(options).map(
      ([option, { default: value, help }]) => `    ${`--${option} ${value}`.padEnd(22)}${help}`,
    );
    return [`  ${name}: ${summary}`, ...lines].join('\n');
  });
  return ['npm run bench -- <name> [options]', ...blocks].join('\n\n');
}

// Through `exit`, so that what the benchmark started and left on disk is cleaned up on an interrupt too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
