import { loadConfig } from '../config.ts';
import { startMessage } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';

/** Name → where the command is; loaded only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  'create-superuser': async () => (await import('./create-superuser.ts')).createSuperuser,
  migrate: async () => (await import('./migrate.ts')).migrate,
  seed: async () => (await import('./seed.ts')).seed,
  demo: async () => (await import('./demo.ts')).demo,
  simulate: async () => (await import('./simulate.ts')).simulate,
  doctor: async () => (await import('./doctor.ts')).doctor,
  firmware: async () => (await import('./firmware.ts')).firmware,
  move: async () => (await import('./move.ts')).move,
  openapi: async () => (await import('./openapi.ts')).openapi,
};

/** Runs one command and sets the exit code: 0, or 1 after one line that says what was wrong. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  const [name, ...args] = argv;
  const load = name === undefined ? undefined : COMMANDS[name];
  try {
    if (load === undefined) {
      await printHelp(name);
      process.exitCode = name === undefined || /^(-h|--help|help)$/.test(name) ? 0 : 1;
      return;
    }
    const command = await load();
    if (args.includes('--help') || args.includes('-h')) {
      print(`npm run core -- ${name} ${command.usage}`, '', command.summary);
      return;
    }
    await command.run(args, loadConfig());
  } catch (error) {
    const usage =
      error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
    const message = usage ? `${(error as Error).message} See: npm run core -- ${name} --help` : startMessage(error);
    process.stderr.write(`${name}: ${message ?? (error as Error).stack}\n`);
    process.exitCode = 1;
  }
}

async function printHelp(unknown: string | undefined): Promise<void> {
  if (unknown !== undefined && !unknown.startsWith('-') && unknown !== 'help')
    print(`There is no command called ${unknown}.`, '');
  print('npm run core -- <command> [arguments]', '');
  for (const [name, load] of Object.entries(COMMANDS)) {
    const { usage, summary } = await load();
    print(`  ${`${name} ${usage}`.trimEnd()}`, `      ${summary}`);
  }
}
