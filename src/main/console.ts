import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';

/** Where Vite puts the console. */
export const CONSOLE_FOLDER = fileURLToPath(new URL('../../console/dist', import.meta.url));
const BUILD = fileURLToPath(new URL('../../console/build.js', import.meta.url));

/** Builds the console beside the running server when nobody has built it. */
export function createConsoleBuild(logger: Logger, folder = CONSOLE_FOLDER): Component {
  let build: ChildProcess | undefined;
  let isStopped = false;
  return {
    name: 'console',
    async start() {
      if (existsSync(folder)) return;
      if (!existsSync(BUILD)) {
        logger.warn({}, 'the console is not here: /admin answers 503');
        return;
      }
      logger.info({}, 'the console is being built: /admin is there in some seconds');
      build = spawn(process.execPath, [BUILD, folder], { stdio: 'ignore' });
      build.on('error', (error) => {
        build = undefined;
        logger.error({ err: error }, 'the console could not be built');
      });
      build.on('exit', (code) => {
        build = undefined;
        if (isStopped) return;
        if (existsSync(folder)) logger.info({}, 'the console is built');
        else logger.error({ code }, 'the console was not built: run `npm ci`, which also installs what that takes');
      });
    },
    async stop() {
      isStopped = true;
      if (build === undefined) return;
      const { pid } = build;
      const ended = once(build, 'exit');
      build.kill();
      await ended;
      // What it had made so far, see console/build.js.
      rmSync(`${folder}-${pid}`, { recursive: true, force: true });
    },
  };
}
