import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';

/** Where Vite puts the console. */
export const CONSOLE_FOLDER = fileURLToPath(new URL('../../console/dist', import.meta.url));
const BUILD = fileURLToPath(new URL('../../console/build.js', import.meta.url));

/** Builds the console beside the running server when nobody has built it. */
export function createConsoleBuild(logger: Logger, folder = CONSOLE_FOLDER): Component {
  let build: ReturnType<typeof spawn> | undefined;
  return {
    name: 'console',
    async start() {
      if (existsSync(folder)) return;
      if (!existsSync(BUILD)) {
        logger.warn({}, 'the console is not here: /admin answers 503');
        return;
      }
      logger.info({}, 'the console is being built: /admin is there in some seconds');
      build = spawn(process.execPath, [BUILD], { stdio: 'ignore' });
      build.on('error', (error) => logger.error({ err: error }, 'the console could not be built'));
      build.on('exit', (code) => {
        if (existsSync(folder)) logger.info({}, 'the console is built');
        else logger.error({ code }, 'the console was not built: run `npm ci`, which also installs what that takes');
      });
    },
    async stop() {
      build?.kill();
    },
  };
}
