import { loadConfig } from './config.ts';
import { runServer } from './run-server.ts';
import { startMessage } from './start-error.ts';

try {
  await runServer(loadConfig());
} catch (error) {
  const message = startMessage(error);
  process.stderr.write(`core-api cannot start: ${message ?? `\n${(error as Error).stack ?? String(error)}`}\n`);
  process.exit(1);
}
