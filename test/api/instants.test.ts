import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FieldError } from '#kernel/errors.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { composeTestSystem, type RunningSystem, startTestSystem } from '#test/support/system.ts';

/** What validators and `Date.parse` disagree about, or take for another time. */
const REFUSED = [
  '2026-11-25T21:41:08+00',
  '2026-11-25T21:41:08+0000',
  '2026-11-25T21:41:08',
  '2026-11-25',
  '2026-02-30T00:00:00Z',
  '2026-11-25T23:59:60Z',
  '2026-11-25T24:00:00Z',
  'yesterday',
];
/** The last two: a `+` that was not encoded in a query, with and without a `T`. */
const ACCEPTED = [
  '2026-11-25T21:41:08Z',
  '2026-11-25 21:41:08+00:00',
  '2026-11-25T21:41:08 00:00',
  '2026-11-25 21:41:08 00:00',
];

interface Schema {
  readonly type?: unknown;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Place {
  readonly route: RouteOptions;
  readonly part: 'query' | 'body';
  readonly name: string;
  readonly schema: Schema;
}

function placesOf(route: RouteOptions): readonly Place[] {
  const parts = { query: route.schema?.querystring, body: route.schema?.body } as Record<
    Place['part'],
    Schema | undefined
  >;
  return (['query', 'body'] as const).flatMap((part) =>
    Object.entries(parts[part]?.properties ?? {})
      .filter(([, { format }]) => format === 'date-time')
      .map(([name]) => ({ route, part, name, schema: parts[part] as Schema })),
  );
}

function exampleOf(schema: Schema): unknown {
  const [example = schema.default ?? schema.enum?.[0]] = schema.examples ?? [];
  if (example !== undefined || schema.properties === undefined) return example;
  const { properties } = schema;
  return Object.fromEntries((schema.required ?? []).map((name) => [name, exampleOf(properties[name] as Schema)]));
}

const { routes } = await composeTestSystem();
const places = routes.filter(({ method }) => method !== 'HEAD').flatMap(placesOf);

let system: RunningSystem;
let people: People;
let deviceId: number;

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
  deviceId = (await people.device()).id;
});
afterAll(() => system.stop());

async function ask({ route, part, name, schema }: Place, text: string) {
  const url = route.url.replace(':device_id', String(deviceId)).replaceAll(/:\w+/g, '1');
  const asked = { ...(exampleOf(schema) as object), [name]: text };
  const query = part === 'query' ? `?${new URLSearchParams(asked as Record<string, string>)}` : '';
  const body = part === 'body' ? { body: asked } : {};
  const method = [route.method].flat()[0] as 'GET';
  return await system.request({ method, url: `${url}${query}`, as: people.SUPERADMIN.token(), ...body });
}

describe('a time stamp that does not exist or says no zone is refused in words, wherever one is taken', () => {
  test.each(places.map((place) => [`${String(place.route.method)} ${place.route.url} ${place.name}`, place] as const))(
    '%s',
    async (_, place) => {
      const path = place.part === 'query' ? `/query/${place.name}` : `/${place.name}`;
      for (const text of REFUSED) {
        const response = await ask(place, text);
        expect([text, response.status]).toEqual([text, 422]);
        expect(response.json()).toMatchObject({
          code: 'invalid_input',
          errors: [{ path, message: expect.stringMatching(/RFC 3339.*such as 2026-11-25T21:41:08Z/) }],
        });
      }
      for (const text of ACCEPTED) {
        const response = await ask(place, text);
        // An export answers no JSON.
        const { errors } = response.status === 422 ? response.json<{ errors?: readonly FieldError[] }>() : {};
        // The other end of the range, which is an example, may be before it.
        const isAboutTime = (error: FieldError) => error.path === path && error.message.includes('RFC 3339');
        expect([text, errors?.filter(isAboutTime) ?? []]).toEqual([text, []]);
      }
    },
  );

  test('and no place was missed', () => {
    const found = places.map(({ route }) => route.url);
    for (const part of ['telemetry', 'logs', 'alerts', 'audit-logs', 'export', 'alert-rules/test', 'reports']) {
      expect(found.some((url) => url.includes(part))).toBe(true);
    }
    // What is called a beginning or an end and is not declared as a time would escape the check above.
    const undeclared = routes.flatMap(({ url, schema }) =>
      [schema?.querystring, schema?.body].flatMap((part) =>
        Object.entries((part as Schema | undefined)?.properties ?? {})
          .filter(
            ([name, { format, type }]) =>
              /^(start|end|since|until|from|to|.*_at)$/.test(name) && type === 'string' && format !== 'date-time',
          )
          .map(([name]) => `${url} ${name}`),
      ),
    );
    expect(undeclared).toEqual([]);
  });
});

test('a space for a plus in a query means the same time', async () => {
  const { headers, id } = await people.device();
  const at = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const item = { timestamp: at.toISOString().replace('T', ' '), metrics: { t: 1 } };
  expect(
    (await system.request({ method: 'POST', url: '/api/v1/ingest/telemetry', headers, body: item })).json(),
  ).toEqual({
    stored: 1,
    merged: 0,
    rejected: [],
  });
  const local = new Date(at.getTime() + 9 * 3_600_000).toISOString().replace('.000Z', '+09:00');
  const url = `/api/v1/devices/${id}/telemetry?start=${local}`;
  const found = (await system.request({ url, as: people.SUPERADMIN.token() })).json<{ items: unknown[] }>();
  expect(found.items).toEqual([{ timestamp: at.toISOString(), metrics: { t: 1 } }]);
});
