import { setImmediate } from 'node:timers/promises';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { withRelationalStore } from '#main/commands/relational.ts';
import type { TestRequest } from './http.ts';
import type { RunningSystem } from './system.ts';

export interface Person {
  readonly id: number;
  readonly email: string;
  readonly password: string;
  /** A real access token, as of the latest sign-in. */
  token(): string;
  signIn(): Promise<void>;
}

export interface TestDevice {
  readonly id: number;
  readonly uid: string;
  /** `Authorization: Basic …` with its credentials. */
  readonly headers: { readonly authorization: string };
}

/** A user of each role in a running system, signed in, and what they make. */
export interface People extends Readonly<Record<UserRole, Person>> {
  person(role: UserRole): Promise<Person>;
  device(body?: Readonly<Record<string, unknown>>): Promise<TestDevice>;
  // biome-ignore lint/suspicious/noExplicitAny: the answer of POST /alert-rules
  rule(body: Readonly<Record<string, unknown>>): Promise<any>;
  /** @returns the id of an alert about the device */
  alert(device: TestDevice): Promise<number>;
  /** @returns the id of a new group */
  group(): Promise<number>;
  /** @returns the id of a new claim */
  claim(): Promise<number>;
  /** @returns the id of a new campaign, for no devices */
  campaign(): Promise<number>;
}

const PASSWORD = 'correct horse battery';

export async function createPeople(system: RunningSystem): Promise<People> {
  let made = 0;
  const unique = (word: string) => {
    made += 1;
    return `${word}-${made}`;
  };

  async function call(status: number, request: TestRequest) {
    const response = await system.request({ method: 'POST', ...request });
    if (response.status !== status) throw new Error(`${request.url}: ${response.text}`);
    return response.json();
  }

  async function signedIn(id: number, email: string): Promise<Person> {
    let token = '';
    const signIn = async () => {
      const body = { email, password: PASSWORD };
      token = (await call(200, { url: '/api/v1/auth/login', body })).access_token;
    };
    await signIn();
    return { id, email, password: PASSWORD, token: () => token, signIn };
  }

  // As an operator does it, beside the running server.
  const email = 'superadmin@example.com';
  const { userId } = await withRelationalStore(system.settings, ({ users }) =>
    users.ensureSuperuser({ email, password: PASSWORD, resetPassword: true }),
  );
  const superadmin = await signedIn(userId, email);

  const make = async (url: string, body: object) => call(201, { url, body, as: superadmin.token() });
  async function person(role: UserRole): Promise<Person> {
    const body = { email: `${unique(role.toLowerCase())}@example.com`, password: PASSWORD, role };
    const user = await make('/api/v1/users', body);
    return signedIn(user.id, user.email);
  }

  const rule = (body: object) =>
    make('/api/v1/monitoring/alert-rules', {
      name: 'Too hot',
      metric: 'temperature',
      condition: 'gt',
      threshold: 30,
      severity: 'WARNING',
      ...body,
    });

  const people = { SUPERADMIN: superadmin } as Record<UserRole, Person>;
  for (const role of USER_ROLES) people[role] ??= await person(role);
  return {
    ...people,
    person,
    async device(body = {}) {
      const device = await make('/api/v1/devices', { name: 'Sensor', device_type: 'test', ...body });
      const { username, password } = device.credentials;
      const credentials = Buffer.from(`${username}:${password}`).toString('base64');
      return { id: device.id, uid: device.device_uid, headers: { authorization: `Basic ${credentials}` } };
    },
    rule,
    async alert({ id, headers }) {
      const { id: ruleId } = await rule({ scope: { device_id: id } });
      const body = { metrics: { temperature: 31 } };
      await call(200, { url: '/api/v1/ingest/telemetry', body, headers });
      const query = { rule_id: ruleId };
      for (;;) {
        const url = '/api/v1/monitoring/alerts';
        const { items } = await call(200, { method: 'GET', url, query, as: superadmin.token() });
        if (items.length > 0) return items[0].id;
        await setImmediate();
      }
    },
    group: async () => (await make('/api/v1/device-groups', { name: unique('group') })).id,
    async claim() {
      const body = { name: unique('claim'), device_type: 'test', max_devices: 1, expires_at: '2100-01-01T00:00:00Z' };
      return (await make('/api/v1/provisioning/claims', body)).id;
    },
    async campaign() {
      const device_type = unique('type');
      const { id: firmware_id } = await call(201, {
        url: '/api/v1/firmware',
        query: { device_type, version: '1' },
        raw: 'an image',
        headers: { 'content-type': 'application/octet-stream' },
        as: superadmin.token(),
      });
      return (await make('/api/v1/campaigns', { name: device_type, firmware_id, target: { device_type } })).id;
    },
  };
}
