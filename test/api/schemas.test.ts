import type { RouteOptions } from 'fastify';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '#main/config.ts';
import { composeTestSystem } from '#test/support/system.ts';
import { SCHEMA_RULES } from './schema-rules.ts';

// With the routes that a broker asks, which are mounted only when there is a secret.
const { routes } = await composeTestSystem(loadConfig({ MQTT_AUTH_SECRET: 'a secret of the broker' }));
const operations = routes.filter(({ method, schema }) => method !== 'HEAD' && schema?.hide !== true);

function breaches(route: RouteOptions): Readonly<Record<string, readonly string[]>> {
  const found = Object.entries(SCHEMA_RULES).map(([name, rule]) => [name, rule(route)] as const);
  return Object.fromEntries(found.filter(([, breaks]) => breaks.length > 0));
}

describe('every operation keeps the rules', () => {
  test.each(operations.map((route) => [`${String(route.method)} ${route.url}`, route] as const))('%s', (_, route) => {
    expect(breaches(route)).toEqual({});
  });

  test('under a name of its own', () => {
    const names = operations.map(({ schema }) => schema?.operationId);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('and none that people or devices use is hidden', () => {
    const hidden = routes.filter(({ schema }) => schema?.hide === true).map(({ url }) => url);
    expect(hidden.filter((url) => url.startsWith('/api/') || url.startsWith('/.well-known/'))).toEqual([]);
    expect(operations.length).toBeGreaterThan(25);
  });
});

test('the rules see what breaks them', () => {
  const bad: RouteOptions = {
    method: 'PATCH',
    url: '/x/:x_id',
    config: { access: ['ADMIN'] },
    handler: () => ({}),
    schema: {
      summary: 'x',
      description: 'no full stop',
      querystring: Type.Object({ page: Type.Integer({ description: 'Page' }) }),
      body: Type.Object(
        { name: Type.String(), list: Type.Array(Type.Object({ a: Type.String() })) },
        { additionalProperties: false },
      ),
      response: { 200: Type.Object({ id: Type.Integer() }), 403: {}, 404: { description: 'Not Found: `x`' } },
    },
  };
  expect(breaches(bad)).toEqual({
    'says what it does': ['summary', 'description', 'tags'],
    'has a name that a generated client can bear': ['none'],
    'declares what it takes': ['params'],
    'refuses unknown fields': ['body.list[]', 'query'],
    'describes every field that it takes': ['body.name', 'body.list', 'body.list[].a'],
    'describes every field that it answers': ['200.id'],
    'gives an example of every field of its body': ['body.name', 'body.list[].a'],
    'names the codes of its problems': ['403'],
    'declares one success, with every field that it answers': ['200'],
    'lists the problems that follow from what it is': ['401', '413', '415', '400', '422', '429', '500', '503'],
  });
  expect(breaches({ ...bad, schema: {} })).toHaveProperty(['declares one success, with every field that it answers']);
});
