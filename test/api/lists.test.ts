import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '#main/config.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { composeTestSystem, type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* What every list can do, whatever it lists: pages, an order, free text, and filters that take several values. */

interface Field {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly explode?: boolean;
  readonly items?: Field;
  readonly maxItems?: number;
}
type Fields = Readonly<Record<string, Field>>;

/** What is no filter. `cursor` lists have `limit`, `order` and the time in the place of pages. */
const NO_FILTERS = new Set(['page', 'size', 'sort', 'q', 'limit', 'cursor', 'order', 'start', 'end']);
/** Not lists of records by themselves: `metrics` of a history says which columns, and has its own form. */
const NOT_FILTERS_OF = new Set(['metrics']);

const { routes } = await composeTestSystem(loadConfig({}));

const fieldsOf = (schema: unknown): Fields =>
  ((schema as { properties?: Fields } | undefined)?.properties ?? {}) as Fields;
const lists = routes.flatMap(({ method, url, schema }) => {
  const answer = (schema?.response as Record<number, { title?: string }> | undefined)?.[200];
  const items = fieldsOf(answer)['items'];
  return method === 'GET' && items !== undefined
    ? [{ url, answer: fieldsOf(answer), query: fieldsOf(schema?.querystring) }]
    : [];
});
const paged = lists.filter(({ answer }) => answer['pages'] !== undefined);
const series = lists.filter(({ answer }) => answer['next_cursor'] !== undefined);
const filters = [...paged, ...series].flatMap(({ url, query }) =>
  Object.entries(query)
    .filter(([name]) => !NO_FILTERS.has(name) && !NOT_FILTERS_OF.has(name))
    .map(([name, field]) => ({ url, name, field })),
);
/** A flag that is true or false has nothing to say twice; `all` says it of `is_acknowledged`. */
const isFlag = ({ type, enum: values }: Field) => type === 'boolean' || values?.includes('all') === true;
const several = filters.filter(({ field }) => !isFlag(field));

let system: RunningSystem;
let people: People;
let deviceId: number;
let campaignId: number;
let claimId: number;
let alertId: number;
beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
  const device = await people.device();
  deviceId = device.id;
  alertId = await people.alert(device);
  campaignId = await people.campaign();
  claimId = await people.claim();
});
afterAll(() => system.stop());

const ask = (url: string, query: Record<string, string>) =>
  system.request({
    url: url
      .replace(':device_id', String(deviceId))
      .replace(':campaign_id', String(campaignId))
      .replace(':claim_id', String(claimId))
      .replace(':alert_id', String(alertId)),
    query,
    as: people.SUPERADMIN.token(),
  });

/** Two values that it takes. */
function twoOf({ items }: Field): readonly [string, string] {
  if (items?.enum !== undefined) return [String(items.enum[0]), String(items.enum[1])];
  return items?.type === 'integer' ? ['1', '2'] : ['one', 'two'];
}

test('what answers items has pages or a cursor, but for what is not a list of records', () => {
  const others = lists.filter((list) => !paged.includes(list) && !series.includes(list)).map(({ url }) => url);
  expect(others.sort()).toEqual([
    // Those of one range, with a limit of its own.
    '/api/v1/analytics/anomalies/:device_id',
    // What the configuration names.
    '/api/v1/auth/oauth',
    // Definitions of this version, not records.
    '/api/v1/system/jobs',
  ]);
});

test('there are as many lists as there were, and filters', () => {
  expect(paged.length).toBeGreaterThanOrEqual(9);
  expect(several.length).toBeGreaterThanOrEqual(20);
});

describe.each(paged)('$url', ({ url, query }) => {
  test('has pages, an order and free text', async () => {
    expect(Object.keys(query)).toEqual(expect.arrayContaining(['page', 'size', 'sort', 'q']));
    const found = await ask(url, { page: '1', size: '5', q: "it's 100%_!\\.*$" });
    expect(found.status, found.text).toBe(200);
    expect(found.json()).toMatchObject({ items: [], total: 0, page: 1, size: 5, pages: 0 });
  });
});

describe.each(several)('$name of $url', ({ url, name, field }) => {
  const path = `/query/${name}`;

  test('takes several values, separated by commas or repeated', async () => {
    expect(field).toMatchObject({ type: 'array', explode: false });
    const values = twoOf(field);
    for (const value of [values.join(','), values[0]]) {
      const { status, text } = await ask(url, { [name]: value });
      expect([value, status, status === 200 ? '' : text]).toEqual([value, 200, '']);
    }
  });

  test('says in words which value is wrong, and takes 50', async () => {
    const [good] = twoOf(field);
    const wrong = field.items?.type === 'string' && field.items.enum === undefined ? '' : 'nonsense';
    const refused = await ask(url, { [name]: `${good},${wrong}` });
    expect(refused.status, refused.text).toBe(422);
    expect(refused.json().errors.map((error: { path: string }) => error.path)).toEqual([`${path}/1`]);
    expect(refused.json().errors[0].message).toMatch(/^must /);
    if (field.items?.enum !== undefined) return;
    const many = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1)).join(',');
    if (field.items?.type === 'integer') expect((await ask(url, { [name]: many(50) })).status).toBe(200);
    const tooMany = await ask(url, { [name]: many(51) });
    expect(tooMany.status).toBe(422);
    expect(tooMany.json().errors).toContainEqual({ path, message: 'must have 50 items at most' });
  });
});

test('the API document says how several values are written', async () => {
  const document = (await system.request({ url: '/openapi.json' })).json();
  const { parameters } = document.paths['/api/v1/devices'].get;
  const status = parameters.find(({ name }: { name: string }) => name === 'status');
  expect(status).toMatchObject({ style: 'form', explode: false, schema: { type: 'array', maxItems: 50 } });
  expect(status.schema.items).toEqual({ $ref: '#/components/schemas/DeviceStatus' });
});

test('several values find what each of them finds, and a comma within a value is written with a backslash', async () => {
  const as = people.SUPERADMIN.token();
  const made: string[] = [];
  for (const device_type of ['pump', 'lamp', 'pump, large']) {
    const body = { name: device_type, device_type };
    const { status, json } = await system.request({ method: 'POST', url: '/api/v1/devices', as, body });
    expect(status).toBe(201);
    made.push(json().device_uid);
  }
  const found = async (device_type: string) => {
    const { items } = (await ask('/api/v1/devices', { device_type, sort: 'id' })).json();
    return items.map(({ device_uid }: { device_uid: string }) => made.indexOf(device_uid));
  };
  expect(await found('pump')).toEqual([0]);
  expect(await found('pump,lamp,nothing')).toEqual([0, 1]);
  expect(await found('lamp,pump\\, large')).toEqual([1, 2]);
  const repeated = await system.request({ url: '/api/v1/devices?device_type=pump&device_type=lamp', as });
  expect(repeated.json().total).toBe(2);
});
