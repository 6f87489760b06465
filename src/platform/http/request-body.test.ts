import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApp, createTestAuthenticator, PRINCIPALS, type TestApp } from '#test/support/http.ts';
import type { HttpMount } from './http.port.ts';
import { Strict } from './http.schemas.ts';

const summary = { summary: 'x', description: 'x', tags: ['test'] };
const response = { 200: Strict({ bytes: Type.Integer(), value: Type.Unknown() }) };
const size = (body: unknown) => ({ bytes: JSON.stringify(body).length, value: body });

const routes: HttpMount = {
  prefix: '/b',
  routes: async (app) => {
    const body = Type.Unknown();
    app.post('/anyone', { config: { access: 'public' }, schema: { ...summary, body, response } }, ({ body }) =>
      size(body),
    );
    app.post('/people', { config: { access: 'bearer' }, schema: { ...summary, body, response } }, ({ body }) =>
      size(body),
    );
    app.post('/device', { config: { access: 'device' }, schema: { ...summary, body, response } }, ({ body }) =>
      size(body),
    );
    await app.register(async (scope) => {
      scope.addContentTypeParser('text/lines', { parseAs: 'string' }, (_request, text, done) => {
        done(null, String(text).split('\n'));
      });
      scope.post('/lines', { config: { access: 'public' }, schema: { ...summary, response } }, ({ body }) =>
        size(body),
      );
    });
  },
};

let app: TestApp;
beforeAll(async () => {
  const authenticator = createTestAuthenticator({ d: { secret: 's', deviceId: 1 } });
  app = await createTestApp({ routes: [routes], authenticator });
});
afterAll(() => app.close());

const DEVICE = { authorization: `Basic ${Buffer.from('d:s').toString('base64')}` };
const post = (raw: string | Buffer, headers: Record<string, string> = {}, url = '/b/anyone') =>
  app.request({ method: 'POST', url, raw, headers });

const CODERS = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

describe('content-encoding', () => {
  test.each(Object.entries(CODERS))('%s is decoded', async (encoding, encode) => {
    const body = { name: '온실', list: [1, 2, 3] };
    const answer = await post(encode(JSON.stringify(body)), { 'content-encoding': encoding });
    expect([answer.status, answer.json().value]).toEqual([200, body]);
    const lines = { 'content-encoding': encoding.toUpperCase(), 'content-type': 'text/lines' };
    expect((await post(encode('a\nb'), lines, '/b/lines')).json().value).toEqual(['a', 'b']);
  });

  test('identity is no encoding', async () => {
    expect((await post('{"a":1}', { 'content-encoding': 'identity' })).status).toBe(200);
  });

  test.each(['compress', 'gzip, br', 'nonsense', '__proto__'])(
    '%s is refused, with those that are not',
    async (encoding) => {
      const answer = await post(gzipSync('{}'), { 'content-encoding': encoding });
      expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_content_encoding' });
      expect(answer.json().detail).toContain('gzip, deflate, br and zstd');
      expect(answer.headers['accept-encoding']).toBe('gzip, deflate, br, zstd');
    },
  );

  test.each(Object.entries(CODERS))('%s that is cut off or something else is 400', async (encoding, encode) => {
    const whole = encode(JSON.stringify({ name: 'x'.repeat(1_000), at: Math.PI }));
    for (const raw of [whole.subarray(0, whole.length - 12), Buffer.from('{"name":"plain"}'), Buffer.from([0])]) {
      const answer = await post(raw, { 'content-encoding': encoding });
      expect(answer.json(), `${raw.length} bytes`).toMatchObject({ status: 400, code: 'malformed_request' });
    }
  });

  const br = (bits: number) => brotliCompressSync('{"a":1}', { params: { [constants.BROTLI_PARAM_LGWIN]: bits } });
  /** A frame of one raw block that says no length, but its window. https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1 */
  const zstd = (bits: number) =>
    Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (bits - 10) << 3, (7 << 3) | 1, 0, 0]),
      Buffer.from('{"a":1}'),
    ]);

  test('a window that costs more than the body is refused', async () => {
    for (const [encoding, taken, refused] of [
      ['br', [10, 16, 17, 18, 22].map(br), [23, 24].map(br)],
      ['zstd', [10, 17, 23].map(zstd), [24, 27, 31].map(zstd)],
    ] as const) {
      const statuses = async (raws: readonly Buffer[]) =>
        await Promise.all(raws.map(async (raw) => (await post(raw, { 'content-encoding': encoding })).status));
      expect(await statuses(taken)).toEqual(taken.map(() => 200));
      expect(await statuses(refused)).toEqual(refused.map(() => 415));
    }
    const answer = await post(zstd(27), { 'content-encoding': 'zstd' });
    expect(answer.json().detail).toBe('The window of br may have 22 bits, that of zstd 23.');
  });

  test.each(Object.entries(CODERS))('the limit counts what %s holds', async (encoding, encode) => {
    const json = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    const headers = { 'content-encoding': encoding };
    expect((await post(encode(json(65_536)), headers)).status).toBe(200);
    expect((await post(encode(json(65_537)), headers)).status).toBe(413);
    expect((await post(encode(json(100 << 20)), headers)).status).toBe(413);
  });
});

describe('limits', () => {
  test.each([
    ['/b/anyone', 64 << 10, {}],
    ['/b/people', 256 << 10, { authorization: `Bearer test:USER:${PRINCIPALS.USER.userId}` }],
    ['/b/device', 4 << 20, DEVICE],
  ])('%s takes %i bytes', async (url, bytes, headers) => {
    const json = (length: number) => `"${'x'.repeat(length - 2)}"`;
    expect((await post(json(bytes), headers, url)).status).toBe(200);
    const refused = await post(json(bytes + 1), headers, url);
    expect(refused.json()).toMatchObject({ status: 413, detail: `A body may have ${bytes} bytes here.` });
  });

  test('who has no access sends no body at all', async () => {
    const answer = await post('x'.repeat(8 << 20), {}, '/b/people');
    expect(answer.status).toBe(401);
  });

  test('JSON has 64 levels', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect((await post(nested(64))).status).toBe(200);
    for (const raw of [nested(65), '['.repeat(60_000), '{"a":'.repeat(10_000)]) {
      const answer = await post(raw);
      expect(answer.json()).toMatchObject({
        status: 422,
        errors: [{ path: '/', message: 'must not be nested deeper than 64 levels' }],
      });
    }
    expect((await post(`{"a":"${'['.repeat(1_000)}"}`)).status).toBe(200);
  });

  test('JSON is UTF-8, with or without a BOM', async () => {
    expect((await post(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).json()).toMatchObject({
      status: 400,
      code: 'malformed_json',
    });
    expect((await post('\uFEFF{"a":1}')).json().value).toEqual({ a: 1 });
  });
});

test('a 415 names what is accepted there', async () => {
  const [json, lines] = [
    await post('x', { 'content-type': 'text/plain' }),
    await post('x', { 'content-type': 'a' }, '/b/lines'),
  ];
  expect([json.status, json.headers['accept'], json.json().detail]).toEqual([
    415,
    'application/json',
    'The Content-Type has to be application/json.',
  ]);
  expect([lines.status, lines.headers['accept'], lines.json().detail]).toEqual([
    415,
    'application/json, text/lines',
    'The Content-Type has to be application/json or text/lines.',
  ]);
  const none = await app.app.inject({ method: 'POST', url: '/b/anyone', payload: 'x', headers: {} });
  expect([none.statusCode, none.headers['accept']]).toEqual([415, 'application/json']);
});

test('what no store keeps as it was sent is refused with its place', async () => {
  const refused = (path: string, message: unknown) => ({
    status: 422,
    code: 'invalid_input',
    errors: [{ path, message }],
  });
  const unicode = 'must be Unicode; it holds half a surrogate pair';
  expect((await post(String.raw`{"a":[1,"x\ud800y"]}`)).json()).toMatchObject(refused('/a/1', unicode));
  expect((await post(String.raw`{"a":{"\uDFFF":1}}`)).json()).toMatchObject(refused('/a', unicode));
  expect((await post('{"serial":12345678901234567890}')).json()).toMatchObject(
    refused('/serial', expect.stringContaining('must be sent as a string')),
  );
  const kept = String.raw`{"a":"\ud83d\ude00","b":1e300,"c":"12345678901234567890","d":0.30000000000000004}`;
  expect((await post(kept)).json().value).toEqual(JSON.parse(kept));
});
