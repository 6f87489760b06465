import { loadConfig } from './config.ts';
import { runModule, runServer } from './run-server.ts';
import { startMessage } from './start-error.ts';

try {
  const settings = loadConfig();
  await (settings.SERVE_MODULE === null ? runServer(settings) : runModule(settings));
} catch (error) {
  const message = startMessage(error);
  process.stderr.write(`core-api cannot start: ${message ?? `\n${(error as Error).stack ?? String(error)}`}\n`);
  process.exit(1);
}
