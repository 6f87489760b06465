import type { DataFolder, System } from './system.ts';

/** The system's HTTP API, as the superuser. @throws on any answer that is not 2xx */
export interface Api {
  readonly token: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** A device with the credentials that only its registration ever shows. */
export interface RegisteredDevice {
  readonly id: number;
  readonly uid: string;
  readonly secret: string;
}

export async function logIn({ httpPort }: System, { email, password }: DataFolder): Promise<Api> {
  const { access_token: token } = await call<{ access_token: string }>(httpPort, '/api/v1/auth/login', {
    body: { email, password },
  });
  return {
    token,
    get: (path) => call(httpPort, path, { token }),
    post: (path, body) => call(httpPort, path, { token, body }),
  };
}

/** @returns access tokens of so many new managers */
export async function signInManagers(api: Api, { httpPort }: System, count: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const credentials = { email: `viewer-${tokens.length + 1}@example.com`, password: 'correct horse battery' };
    await api.post('/api/v1/users', { ...credentials, role: 'MANAGER' });
    const { access_token } = await call<{ access_token: string }>(httpPort, '/api/v1/auth/login', {
      body: credentials,
    });
    tokens.push(access_token);
  }
  return tokens;
}

export async function registerDevices(api: Api, count: number): Promise<RegisteredDevice[]> {
  const devices: RegisteredDevice[] = [];
  while (devices.length < count) {
    const number = devices.length + 1;
    const created = await api.post<Created>('/api/v1/devices', {
      name: `Bench device ${number}`,
      device_type: 'sensor',
      device_uid: `bench-${String(number).padStart(4, '0')}`,
      metadata: { site: 'north', floor: number % 5 },
    });
    devices.push({ id: created.id, uid: created.device_uid, secret: created.credentials.password });
  }
  return devices;
}

interface Created {
  readonly id: number;
  readonly device_uid: string;
  readonly credentials: { readonly password: string };
}

interface Call {
  readonly token?: string;
  readonly body?: unknown;
}

async function call<T>(port: number, path: string, { token, body }: Call): Promise<T> {
  const headers = new Headers();
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
