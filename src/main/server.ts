import { enableCompileCache } from 'node:module';

// Keeps compiled code between starts: the second start is faster, and type stripping costs no memory.
// Everything else is imported after this line so that it profits.
enableCompileCache();

const { runServer } = await import('./run-server.ts');
const { loadConfig } = await import('./config.ts');
const { startMessage } = await import('./start-error.ts');

try {
  await runServer(loadConfig());
} catch (error) {
  const message = startMessage(error);
  process.stderr.write(`core-api cannot start: ${message ?? `\n${(error as Error).stack ?? String(error)}`}\n`);
  process.exit(1);
}
