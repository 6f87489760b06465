import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import type { HttpApp } from '#platform/http/http.port.ts';
import { createTestApp, type TestRequest, type TestResponse } from '#test/support/http.ts';
import { createPeople, type People, type TestDevice } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';
import { type Caller, RULES, type Rule } from './authorisation.table.ts';

const CALLERS: readonly Caller[] = ['nobody', 'bad token', 'SUPERADMIN', 'ADMIN', 'MANAGER', 'USER', 'device'];
const nameOf = ({ method, path }: Rule) => `${method} ${path}`;

let system: RunningSystem;
let people: People;
let device: TestDevice;

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
  device = await people.device();
});
afterAll(() => system.stop());

const isUserRole = (caller: Caller): caller is UserRole => USER_ROLES.some((role) => role === caller);

function credentialsOf(caller: Caller): Pick<TestRequest, 'as' | 'headers'> {
  switch (caller) {
    case 'nobody':
      return {};
    case 'bad token':
      return { as: `${people.SUPERADMIN.token().slice(0, -4)}AAAA` };
    case 'device':
      return { headers: device.headers };
    default:
      return { as: people[caller].token() };
  }
}

/** An alert rule of a device that the USER owns. */
async function ownRule(): Promise<number> {
  const { id } = await people.device({ owner_id: people.USER.id });
  return (await people.rule({ scope: { device_id: id } })).id;
}

/** An alert of a device that the USER owns. */
async function ownAlert(): Promise<number> {
  const mine = await people.device({ owner_id: people.USER.id });
  return await people.alert(mine);
}

/** An address in which every parameter names something that is there, that the USER owns and that nobody else needs. */
async function addressOf(path: string): Promise<string> {
  const make: Readonly<Record<string, () => Promise<string | number>>> = {
    '{device_id}': async () => (await people.device({ owner_id: people.USER.id })).id,
    '{group_id}': people.group,
    '{campaign_id}': people.campaign,
    '{claim_id}': people.claim,
    '{controller_id}': async () => device.uid,
    '{user_id}': async () => (await people.person('USER')).id,
    '{rule_id}': ownRule,
    '{alert_id}': ownAlert,
    // Anybody's own: the modules' tests have it.
    '{session_id}': async () => 2_000_000_000,
    '{token_id}': async () => 2_000_000_000,
    '{account_id}': async () => 2_000_000_000,
    '{notification_id}': async () => 'none',
    '{dashboard_id}': async () => 999_999,
    '{kind}': async () => 'telemetry',
    '{key}': async () => 'some.key',
    '{provider}': async () => 'unknown',
    '*': async () => 'static/swagger-ui.css',
  };
  for (const [parameter, value] of Object.entries(make)) {
    if (path.includes(parameter)) return path.replace(parameter, String(await value()));
  }
  return path;
}

function outcomeOf({ status }: TestResponse): 'through' | number {
  return status === 401 || status === 403 || status >= 500 ? status : 'through';
}

function expectedOf({ allowed }: Rule, caller: Caller): 'through' | 401 | 403 {
  if (allowed.includes(caller)) return 'through';
  const anonymous = caller === 'nobody' || caller === 'bad token' || caller === 'device';
  return anonymous || allowed.includes('device') ? 401 : 403;
}

describe('who may call what', () => {
  test.each(RULES.map((rule) => [nameOf(rule), rule] as const))('%s', async (_, rule) => {
    const outcomes: Partial<Record<Caller, unknown>> = {};
    for (const caller of CALLERS) {
      const url = await addressOf(rule.path);
      const response = await system.request({ method: rule.method, url, ...credentialsOf(caller) });
      outcomes[caller] = outcomeOf(response);
      if (response.status === 401) expect(response.headers['www-authenticate']).toBeDefined();
      expect(response.headers['x-request-id']).toBeDefined();
      if (rule.path.endsWith('/logout') && isUserRole(caller)) await people[caller].signIn();
    }
    expect(outcomes).toEqual(Object.fromEntries(CALLERS.map((caller) => [caller, expectedOf(rule, caller)])));
  });

  test('a wrong secret of a device is refused', async () => {
    const [rule] = RULES.filter(({ allowed }) => allowed.includes('device') && !allowed.includes('nobody'));
    const wrong = Buffer.from(`${device.uid}:wrong`).toString('base64');
    const headers = { authorization: `Basic ${wrong}` };
    const url = await addressOf(rule?.path ?? '');
    expect((await system.request({ method: 'POST', url, headers, body: { t: 1 } })).status).toBe(401);
  });
});

describe('the table is complete', () => {
  /** HEAD is what Fastify adds to GET. */
  const registered = () =>
    system.routes.flatMap(({ method, url }: RouteOptions) =>
      [method]
        .flat()
        .filter((each) => each !== 'HEAD')
        .map((each) => `${each} ${url.replaceAll(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '')}`),
    );

  test('every route has a row', () => {
    expect(registered().length).toBeGreaterThan(40);
    expect([...new Set(registered())].filter((route) => !RULES.map(nameOf).includes(route))).toEqual([]);
  });

  test('every row has a route', () => {
    expect(RULES.map(nameOf).filter((row) => !registered().includes(row))).toEqual([]);
  });

  test('no row is there twice', () => {
    expect(RULES.length).toBe(new Set(RULES.map(nameOf)).size);
  });

  test('HEAD asks for what its GET asks for', () => {
    const accessOf = (wanted: string) =>
      system.routes
        .filter(({ method }) => [method].flat().includes(wanted))
        .map(({ url, config }) => [url, config?.access]);
    expect(Object.fromEntries(accessOf('HEAD'))).toEqual(Object.fromEntries(accessOf('GET')));
  });

  test.each([{}, { schema: { hide: true } }])('a route without a rule stops the start: %j', async (options) => {
    const routes = [
      {
        prefix: '/x',
        routes: (app: HttpApp) => void app.get('/y', options, () => ({})),
      },
    ];
    await expect(createTestApp({ routes })).rejects.toThrow('declares no access rule');
  });
});

describe('what is about a device of others', () => {
  test.each(['GET rule', 'PATCH rule', 'DELETE rule', 'POST alert'])('is to a USER like none: %s', async (what) => {
    const id = what.endsWith('alert')
      ? await people.alert(await people.device())
      : (await people.rule({ scope: { device_id: device.id } })).id;
    const answers = [];
    for (const each of [id, 2_000_000_000]) {
      const url = what.endsWith('alert') ? `alerts/${each}/acknowledge` : `alert-rules/${each}`;
      const response = await system.request({
        method: what.split(' ')[0] as 'GET',
        url: `/api/v1/monitoring/${url}`,
        as: people.USER.token(),
        ...(what.startsWith('PATCH') ? { body: { name: 'Mine' } } : {}),
      });
      const { request_id: _, ...body } = response.json();
      answers.push({ status: response.status, body });
    }
    expect(answers[0]).toMatchObject({ status: 404 });
    expect(answers[0]).toEqual(answers[1]);
  });
});

/** What a request needs to be looked at at all. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /api/v1/devices/{device_id}/commands': { command: 'reboot' },
  'PUT /api/v1/devices/{device_id}/config': {},
  'PATCH /api/v1/devices/{device_id}/config': {},
  'POST /api/v1/devices/{device_id}/config/rollback': { version: 1 },
};

describe('a device of others', () => {
  const visible = RULES.filter(({ visibleDevicesOnly }) => visibleDevicesOnly);
  const controlled = RULES.filter(({ controlledDevicesOnly }) => controlledDevicesOnly);
  const answer = async (on: RunningSystem, who: People, rule: Rule, id: number) => {
    const { method, path } = rule;
    const url = path.replace('{device_id}', String(id));
    const sent = BODIES[nameOf(rule)];
    const given = sent === undefined ? {} : { body: sent };
    const response = await on.request({ method, url, as: who.USER.token(), ...given });
    const { request_id: _, ...body } = response.json();
    return { status: response.status, body };
  };

  test('the table says for every route of a device whether a USER may call it', () => {
    const forUsers = RULES.filter(({ path, allowed }) => path.includes('{device_id}') && allowed.includes('USER'));
    expect(forUsers).toEqual(forUsers.filter((rule) => visible.includes(rule) || controlled.includes(rule)));
    expect(visible.length).toBeGreaterThan(4);
  });

  test.each([...visible, ...controlled].map((rule) => [nameOf(rule), rule] as const))(
    'is to a USER like none: %s',
    async (_, rule) => {
      const others = await answer(system, people, rule, device.id);
      expect(others.status).toBe(404);
      expect(others).toEqual(await answer(system, people, rule, 2_000_000_000));
    },
  );

  test('is in no list of a USER', async () => {
    const mine = await people.device({ owner_id: people.USER.id });
    const query = { size: 100, sort: '-id' };
    const { items } = (await system.request({ url: '/api/v1/devices', query, as: people.USER.token() })).json();
    const ids = items.map(({ id }: { id: number }) => id);
    expect(ids).toContain(mine.id);
    expect(ids).not.toContain(device.id);
  });

  test('is readable with USER_DEVICE_SCOPE=all, and not writable', async () => {
    const open = await startTestSystem({ USER_DEVICE_SCOPE: 'all' });
    try {
      const here = await createPeople(open);
      const { id } = await here.device();
      for (const rule of RULES.filter(({ path }) => path.includes('{device_id}'))) {
        const { status } = await answer(open, here, rule, id);
        expect({ rule: nameOf(rule), status }).toEqual({
          rule: nameOf(rule),
          status: visible.includes(rule) ? 200 : 403,
        });
      }
    } finally {
      await open.stop();
    }
  });
});
