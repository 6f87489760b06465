import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { exposureOf } from '../../exposure.ts';
import { ROLES, type Settings } from '../../settings.ts';
import { contradictionsIn } from './contradictions.ts';
import { doubtful, type Finding, fine, wrong } from './finding.ts';

const MIN_FREE_BYTES = 500 * 1024 * 1024;
const MIN_NODE_MAJOR = 24;

export function checkRuntime(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  const detail = `Node ${process.versions.node}; ${MIN_NODE_MAJOR} or newer is needed (npm scripts bring it)`;
  return major >= MIN_NODE_MAJOR ? fine(detail) : wrong(detail);
}

export function checkSettings(settings: Settings): Finding {
  const contradictions = contradictionsIn(settings);
  if (contradictions.length > 0) return doubtful(contradictions.join('; '));
  const work = settings.ROLES.length === ROLES.length ? 'everything' : settings.ROLES.join(', ');
  return fine(`valid; this process would run ${work}`);
}

/** What strangers can do where they can reach the server. */
export function checkExposure(settings: Settings): Finding {
  const exposed = exposureOf(settings);
  return exposed.length > 0
    ? doubtful(exposed.join('; '))
    : fine('nobody outside this machine can register, or flood the server without a limit');
}

export function checkFolder({ DATA_DIR }: Settings): Finding {
  const nearest = nearestFolder(DATA_DIR);
  if (nearest !== resolve(DATA_DIR)) {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return fine(`${DATA_DIR} is not there yet, and can be made at the first start`);
  }
  accessSync(DATA_DIR, constants.R_OK | constants.W_OK | constants.X_OK);
  const open = readdirSync(DATA_DIR).filter((name) => isOpenToOthers(join(DATA_DIR, name)));
  if (open.length === 0) return fine(`${DATA_DIR} can be written`);
  const detail = `users of this machine beside its owner may reach ${open.join(', ')} in ${DATA_DIR}`;
  return doubtful(`${detail}; the next start of the server mends files of its own, chmod go= the others`);
}

/** The folder itself, or the one above it that is there. */
function nearestFolder(path: string): string {
  const folder = resolve(path);
  const parent = dirname(folder);
  return existsSync(folder) || parent === folder ? folder : nearestFolder(parent);
}

/** By their own rights: those of the folder may have been given for something else, and may be given again. */
function isOpenToOthers(path: string): boolean {
  const state = statSync(path, { throwIfNoEntry: false });
  return state !== undefined && (state.mode & 0o077) !== 0;
}

export function checkDisk({ DATA_DIR }: Settings): Finding {
  const { bavail, bsize } = statfsSync(nearestFolder(DATA_DIR));
  const free = bavail * bsize;
  const detail = `${Math.round(free / 1024 ** 2)} MiB free, at least ${MIN_FREE_BYTES / 1024 ** 2} are wanted`;
  return free >= MIN_FREE_BYTES ? fine(detail) : wrong(detail);
}

export async function checkHttp(settings: Settings): Promise<Finding> {
  return (await askRunningServer(settings)) ?? (await checkPort(settings.HTTP_HOST, settings.HTTP_PORT, 'HTTP_PORT'));
}

/** A port in use is fine when it is our own server that uses it. */
export async function checkMqttPort(settings: Settings): Promise<Finding> {
  if ((await askRunningServer(settings)) !== null) return fine('the running server has its own broker');
  return await checkPort(settings.MQTT_HOST, settings.MQTT_PORT, 'MQTT_PORT');
}

/** What a server of ours on the HTTP port says of itself; null when there is none. */
async function askRunningServer({ HTTP_HOST, HTTP_PORT }: Settings): Promise<Finding | null> {
  const host = HTTP_HOST.includes(':') ? `[${HTTP_HOST}]` : HTTP_HOST;
  try {
    const response = await fetch(`http://${host}:${HTTP_PORT}/readyz`, { signal: AbortSignal.timeout(3_000) });
    const body = (await response.json()) as { checks?: object };
    if (body.checks === undefined) return null;
    const detail = `a server is running on port ${HTTP_PORT}: ${JSON.stringify(body.checks)}`;
    return response.ok ? fine(detail) : wrong(detail);
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
      resolve(wrong(`${setting} ${port} on ${host}: ${reason}`));
    });
    server.listen({ host, port }, () => {
      server.close(() => resolve(fine(`${setting} ${port} on ${host} is free`)));
    });
  });
}
