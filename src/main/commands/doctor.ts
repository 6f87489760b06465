import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { createMailer } from '../profiles/mail.ts';
import { ROLES, type Settings } from '../settings.ts';
import { StartError } from '../start-error.ts';
import { type Command, print } from './command.ts';
import { withRelationalStore } from './relational.ts';

const MIN_FREE_BYTES = 500 * 1024 * 1024;
const MIN_NODE_MAJOR = 24;

type Finding = { readonly ok: boolean; readonly detail: string };

/** Looks at settings and surroundings the way the server will need them, and says what to do about what is wrong. */
export const doctor: Command = {
  usage: '',
  summary: 'Checks runtime, settings, data folder, disk, schema and ports; exit code 1 if something is wrong.',
  async run(_args, settings) {
    const checks: readonly (readonly [string, () => Finding | Promise<Finding>])[] = [
      ['runtime', checkRuntime],
      [
        'settings',
        () => ({
          ok: true,
          detail: `valid; this process would run ${settings.ROLES.length === ROLES.length ? 'everything' : settings.ROLES.join(', ')}`,
        }),
      ],
      ['data folder', () => checkFolder(settings)],
      ['disk', () => checkDisk(settings)],
      ['schema', () => checkSchema(settings)],
      ['HTTP', () => checkHttp(settings)],
      ['MQTT', () => checkMqtt(settings)],
      ['e-mail', () => checkMail(settings)],
    ];
    let failed = 0;
    for (const [name, check] of checks) {
      let finding: Finding;
      try {
        finding = await check();
      } catch (error) {
        finding = { ok: false, detail: (error as Error).message };
      }
      if (!finding.ok) failed += 1;
      print(`${finding.ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(12)} ${finding.detail}`);
    }
    if (failed > 0) throw new StartError(`${failed} of ${checks.length} checks failed.`);
  },
};

function checkRuntime(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  return {
    ok: major >= MIN_NODE_MAJOR,
    detail: `Node ${process.versions.node}; ${MIN_NODE_MAJOR} or newer is needed (npm scripts bring it)`,
  };
}

function checkFolder({ DATA_DIR }: Settings): Finding {
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 });
  accessSync(DATA_DIR, constants.R_OK | constants.W_OK | constants.X_OK);
  return { ok: true, detail: `${DATA_DIR} can be written` };
}

function checkDisk({ DATA_DIR }: Settings): Finding {
  const { bavail, bsize } = statfsSync(DATA_DIR);
  const free = bavail * bsize;
  return {
    ok: free >= MIN_FREE_BYTES,
    detail: `${Math.round(free / 1024 ** 2)} MiB free, at least ${MIN_FREE_BYTES / 1024 ** 2} are wanted`,
  };
}

async function checkSchema(settings: Settings): Promise<Finding> {
  const migrated = await withRelationalStore(settings, async (context) => context.migrated);
  return {
    ok: true,
    detail: migrated.length === 0 ? 'up to date' : `brought up to date (${migrated.length} migrations)`,
  };
}

async function checkHttp(settings: Settings): Promise<Finding> {
  return (await askRunningServer(settings)) ?? (await checkPort(settings.HTTP_HOST, settings.HTTP_PORT, 'HTTP_PORT'));
}

/** A port in use is fine when it is our own server that uses it. */
async function checkMqtt(settings: Settings): Promise<Finding> {
  if ((await askRunningServer(settings)) !== null) return { ok: true, detail: 'the running server has its own broker' };
  return await checkPort(settings.MQTT_HOST, settings.MQTT_PORT, 'MQTT_PORT');
}

async function checkMail(settings: Settings): Promise<Finding> {
  const mailer = await createMailer(settings);
  if (!mailer.isConfigured) return { ok: true, detail: 'off: SMTP_URL is unset; every job send_email fails' };
  try {
    await mailer.ping();
    return { ok: true, detail: `${new URL(settings.SMTP_URL ?? '').host} takes mail` };
  } finally {
    await mailer.stop?.(AbortSignal.timeout(1_000));
  }
}

/** What a server of ours on the HTTP port says of itself; null when there is none. */
async function askRunningServer({ HTTP_HOST, HTTP_PORT }: Settings): Promise<Finding | null> {
  const host = HTTP_HOST.includes(':') ? `[${HTTP_HOST}]` : HTTP_HOST;
  try {
    const response = await fetch(`http://${host}:${HTTP_PORT}/readyz`, { signal: AbortSignal.timeout(3_000) });
    const body = (await response.json()) as { checks?: object };
    if (body.checks === undefined) return null;
    return { ok: response.ok, detail: `a server is running on port ${HTTP_PORT}: ${JSON.stringify(body.checks)}` };
  } catch {
    // Nobody there, or somebody else: the port tells.
    return null;
  }
}

function checkPort(host: string, port: number, setting: string): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is taken by another program' : error.message;
      resolve({ ok: false, detail: `${setting} ${port} on ${host}: ${reason}` });
    });
    server.listen({ host, port }, () => {
      server.close(() => resolve({ ok: true, detail: `${setting} ${port} on ${host} is free` }));
    });
  });
}
