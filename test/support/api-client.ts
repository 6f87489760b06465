import { runCore, type ServerProcess, type ServerSettings } from './server-process.ts';

export interface RegisteredDevice {
  readonly id: number;
  readonly uid: string;
  readonly secret: string;
}

export interface Ledger {
  readonly received: number;
  readonly stored: number;
  readonly merged: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly in_flight: number;
}

/** A signed-in user of a running server. */
export interface ApiClient {
  readonly token: string;
  /** @throws with status and body when the answer is not 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  call<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  registerDevice(fields?: Readonly<Record<string, unknown>>): Promise<RegisteredDevice>;
  ledger(deviceId: number): Promise<Ledger>;
}

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

/** Creates a superuser by the command, as the README says, and logs in. */
export async function signInAsSuperuser(server: ServerProcess, settings: ServerSettings): Promise<ApiClient> {
  await runCore(['create-superuser', ADMIN.email, ADMIN.password], settings);
  return await signIn(server, ADMIN);
}

export async function signIn(
  server: ServerProcess,
  credentials: { email: string; password: string },
): Promise<ApiClient> {
  const { access_token: token } = await request<{ access_token: string }>(
    server,
    'POST',
    '/api/v1/auth/login',
    credentials,
  );
  const call = <T>(method: string, path: string, body?: unknown) => request<T>(server, method, path, body, token);
  return {
    token,
    call,
    async registerDevice(fields = {}) {
      const device = await call<{ id: number; device_uid: string; credentials: { password: string } }>(
        'POST',
        '/api/v1/devices',
        {
          name: 'A device',
          device_type: 'test',
          ...fields,
        },
      );
      return { id: device.id, uid: device.device_uid, secret: device.credentials.password };
    },
    ledger: (deviceId) => call<Ledger>('GET', `/api/v1/devices/${deviceId}/ledger`),
  };
}

async function request<T>(
  server: ServerProcess,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<T> {
  const response = await fetch(`${server.httpUrl}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** received = stored + merged + rejected + in_flight */
export function ledgerAddsUp(ledger: Ledger): boolean {
  const rejected = Object.values(ledger.rejected).reduce((sum, count) => sum + count, 0);
  return ledger.received === ledger.stored + ledger.merged + rejected + ledger.in_flight;
}
