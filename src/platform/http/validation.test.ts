import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '#test/support/http.ts';
import type { HttpMount } from './http.port.ts';
import { Id, Strict } from './http.schemas.ts';

const Scope = Type.Union([
  Strict({ device_id: Type.Integer({ minimum: 1 }) }),
  Strict({ device_type: Type.String({ minLength: 1 }), since: Type.Integer() }),
  Strict({ all: Type.Literal(true) }),
]);
const Body = Strict({
  name: Type.String({ minLength: 1 }),
  count: Type.Integer(),
  scope: Type.Optional(Scope),
  level: Type.Optional(Type.Union([Type.Literal('low'), Type.Literal('high')])),
  threshold: Type.Optional(Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 2, maxItems: 2 })])),
  list: Type.Optional(Type.Array(Type.String())),
});
const routes: HttpMount = {
  prefix: '/v',
  routes(app) {
    const schema = {
      ...{ summary: 'x', description: 'x', tags: ['test'], response: { 200: Strict({}) } },
      params: Strict({ id: Id }),
      querystring: Strict({ size: Type.Optional(Type.Integer()), page: Type.Optional(Type.Integer({ maximum: 9 })) }),
      body: Body,
    };
    app.post('/:id', { config: { access: 'public' }, schema }, () => ({}));
  },
};

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ routes: [routes] });
});
afterAll(() => app.close());

const valid = { name: 'a', count: 1 };
async function pathsOf(body: unknown, url = '/v/1'): Promise<readonly string[]> {
  const answer = await app.request({ method: 'POST', url, body });
  if (answer.status === 200) return [];
  expect(answer.status).toBe(422);
  return answer.json().errors.map(({ path }: { path: string }) => path);
}

test('everything that is wrong is told at once', async () => {
  expect(await pathsOf({ name: '', count: '1', more: 1, other: 2 })).toEqual(['/more', '/other', '/name', '/count']);
  expect(await pathsOf({})).toEqual(['/name', '/count']);
  expect(await pathsOf(valid, '/v/1?size=1e3&page=10&more=1')).toEqual(['/query/size', '/query/more', '/query/page']);
});

test('twenty mistakes at most', async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`more_${index}`, 1]));
  expect(await pathsOf({ ...valid, ...many })).toHaveLength(20);
  expect(await pathsOf({ ...valid, list: Array.from({ length: 50 }, () => 1) })).toHaveLength(20);
});

test('of a body with very many values the first mistake is enough', async () => {
  expect(await pathsOf({ ...valid, list: Array.from({ length: 5_000 }, () => 1) })).toEqual(['/list/0']);
});

describe('a union is about the branch that was meant', () => {
  test.each([
    [{ scope: { device_id: 0 } }, ['/scope/device_id']],
    [{ scope: { device_type: '', since: 'x' } }, ['/scope/device_type', '/scope/since']],
    [{ scope: { all: false } }, ['/scope/all']],
    [{ scope: 7 }, ['/scope']],
    [{ level: 'middle' }, ['/level']],
    [{ threshold: [1] }, ['/threshold']],
    [{ threshold: ['a', 2] }, ['/threshold/0']],
    [{ threshold: [1, 2], scope: { all: true }, level: 'low' }, []],
  ])('%j', async (fields, paths) => {
    expect(await pathsOf({ ...valid, ...fields })).toEqual(paths);
  });
});
