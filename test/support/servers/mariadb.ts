import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestServer } from '../servers.ts';
import { findProgram, startPrivateProcess } from './private-process.ts';

const USER = 'tester';
const PASSWORD = 'tester-password';

/** A MariaDB server with one user, who may do everything; the address names no database. */
export async function startMariadb(): Promise<TestServer | null> {
  const [server, install, client] = await Promise.all([
    findProgram('mariadbd', 'mysqld'),
    findProgram('mariadb-install-db', 'mysql_install_db'),
    findProgram('mariadb', 'mysql'),
  ]);
  if (server === null || install === null || client === null) return null;
  const socketOf = (folder: string) => join(folder, 'server.sock');
  const user = userInfo().username;
  const run = promisify(execFile);

  return await startPrivateProcess({
    name: 'mariadb',
    // Every table that is made waits for the disk, and each test makes its own.
    inMemory: true,
    async prepare({ folder }) {
      await run(install, [
        '--no-defaults',
        `--datadir=${join(folder, 'data')}`,
        `--user=${user}`,
        '--auth-root-authentication-method=socket',
        `--auth-root-socket-user=${user}`,
        '--skip-test-db',
        '--skip-name-resolve',
        '--innodb-flush-method=nosync',
      ]);
    },
    command: ({ folder, port }) => [
      server,
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      // Servers that share one delete each other's temporary tables.
      `--tmpdir=${folder}`,
      `--socket=${socketOf(folder)}`,
      `--pid-file=${join(folder, 'server.pid')}`,
      `--port=${port}`,
      `--user=${user}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      // Data outlives SIGKILL, and a power cut is no test: nothing has to reach the disk.
      '--innodb-flush-method=nosync',
      '--innodb-flush-log-at-trx-commit=2',
      '--innodb-buffer-pool-size=32M',
      '--innodb-log-file-size=16M',
      '--performance-schema=OFF',
      '--max-connections=200',
    ],
    async ready({ folder }) {
      // Through the socket: the system's tables are its user's before anybody has a password.
      await run(client, [
        '--no-defaults',
        `--socket=${socketOf(folder)}`,
        `--user=root`,
        '--execute',
        `CREATE USER IF NOT EXISTS ${USER}@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
         GRANT ALL ON *.* TO ${USER}@'127.0.0.1' WITH GRANT OPTION`,
      ]);
      return true;
    },
    url: ({ port }) => `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}`,
  });
}

/** An address of a database that does not exist yet, on the server at `url`. */
export function databaseAt(url: string): string {
  const address = new URL(url);
  address.pathname = `/test_${randomUUID().replaceAll('-', '')}`;
  return address.href;
}

/** Runs statements one after the other on the server of `url`, whatever its database. */
export async function runSql(url: string, ...statements: readonly string[]): Promise<void> {
  const { createConnection } = await import('mysql2/promise');
  const { hostname, port, username, password } = new URL(url);
  const connection = await createConnection({ host: hostname, port: Number(port), user: username, password });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

export async function dropDatabase(url: string): Promise<void> {
  await runSql(url, `drop database if exists \`${new URL(url).pathname.slice(1)}\``);
}
