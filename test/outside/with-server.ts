import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

/** The superuser of `signInAsSuperuser`, for clients that sign in themselves. */
export const ACCOUNT = { email: 'admin@example.com', password: 'correct horse battery' };

/** Runs `work` against the real server on a data folder of its own. @throws also when the server met a bug meanwhile */
export async function withServer<T>(work: (server: ServerProcess, api: ApiClient) => Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder.path };
  const server = await startServer(env);
  try {
    const done = await work(server, await signInAsSuperuser(server, env));
    const bugs = server
      .output()
      .split('\n')
      .filter((line) => line.includes('unexpected error'));
    if (bugs.length > 0)
      throw new Error(`the server met ${bugs.length} bugs:\n${bugs.slice(0, 20).join('\n').slice(0, 8_000)}`);
    return done;
  } finally {
    await server.end('SIGTERM');
    folder.remove();
  }
}
