import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

let system: RunningSystem;
let people: People;

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
});
afterAll(() => system.stop());

async function send(kind: string, body: unknown, type = 'application/json') {
  const { headers } = await people.device();
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const url = `/api/v1/ingest/${kind}`;
  return await system.request({ method: 'POST', url, raw, headers: { ...headers, 'content-type': type } });
}

describe('an item is limited as an MQTT message is', () => {
  const large = { event_type: 'dump', payload: 'x'.repeat(65_536) };
  const small = { event_type: 'dump', payload: 'x' };
  const tooLarge = (index: number) => ({ index, reason: 'payload_too_large' });

  test.each([
    ['alone', large, { stored: 0, rejected: [tooLarge(0)] }],
    ['in an array', [small, large, small], { stored: 2, rejected: [tooLarge(1)] }],
    [
      'in an array that is large because it is long',
      Array(1_000).fill({ ...small, message: 'y'.repeat(100) }),
      { stored: 1_000, rejected: [] },
    ],
  ])('%s', async (_, body, expected) => {
    expect((await send('log', body)).json()).toMatchObject(expected);
  });

  test('on a line', async () => {
    const lines = [small, large].map((item) => JSON.stringify(item)).join('\n');
    expect((await send('log', lines, 'application/x-ndjson')).json()).toMatchObject({
      stored: 1,
      rejected: [tooLarge(1)],
    });
  });

  test('and nested however deeply', async () => {
    const deep = `{"event_type":"x","payload":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    expect((await send('log', deep)).json()).toMatchObject({ stored: 0, rejected: [tooLarge(0)] });
  });
});

describe('an item is judged by its own bytes, as the payload of a message is', () => {
  const good = '{"a":1}';
  const bad: readonly (readonly [string | Buffer, string])[] = [
    [Buffer.from([0x22, 0xff, 0x22]), 'invalid_utf8'],
    [Buffer.from([...Buffer.from('{"a":"'), 0xc3, 0x28, ...Buffer.from('"}')]), 'invalid_utf8'],
    ['{"a":"\\ud800"}', 'invalid_unicode'],
    ['{"__proto__":{"b":1}}', 'invalid_metric_name'],
    ['{"metrics":{"a":1},"__proto__":{"b":1}}', 'unknown_field'],
    ['{"constructor":{"prototype":1}}', 'invalid_value'],
    ['{"a":9007199254740993}', 'integer_too_large'],
    ['{"a":NaN}', 'invalid_json'],
    ['{"a":', 'invalid_json'],
    ['{"timestamp":"2026-02-30T00:00:00Z","metrics":{"a":1}}', 'invalid_timestamp'],
  ];
  const expected = {
    stored: 1,
    merged: 1,
    rejected: bad.map(([, reason], index) => ({ index: index + 1, reason })),
  };
  const joined = (separator: string) =>
    Buffer.concat(
      [good, ...bad.map(([item]) => item), good]
        .flatMap((item) => [Buffer.from(separator), Buffer.from(item)])
        .slice(1),
    );

  test('on its line', async () => {
    expect((await send('telemetry', joined('\n'), 'application/x-ndjson')).json()).toMatchObject(expected);
  });

  test('in its array', async () => {
    // A brace that is left open would take the rest of the array along.
    const closed = Buffer.from(joined(',').toString('latin1').replace('{"a":,', '{"a":},'), 'latin1');
    const body = Buffer.concat([Buffer.from('['), closed, Buffer.from(']')]);
    expect((await send('telemetry', body)).json()).toMatchObject(expected);
  });

  test('alone', async () => {
    for (const [item, reason] of bad) {
      const response = await send('telemetry', item);
      if (reason === 'invalid_json') expect(response.json()).toMatchObject({ status: 400, code: 'malformed_json' });
      else if (item[0] !== 0x22) expect(response.json()).toMatchObject({ rejected: [{ index: 0, reason }] });
    }
  });

  test.each(['', '[', '[{"a":1}', '[{"a":1}] x', 'nonsense'])('%j is no JSON at all', async (body) => {
    expect((await send('telemetry', body)).json()).toMatchObject({ status: 400, code: 'malformed_json' });
  });
});

describe('what is wrong is said with its place', () => {
  test.each([
    ['[]', 'application/json'],
    ['"text"', 'application/json'],
    ['null', 'application/json'],
    ['\n\n', 'application/x-ndjson'],
    [JSON.stringify(Array(1_001).fill({ a: 1 })), 'application/json'],
  ])('%.10s as %s', async (body, type) => {
    const response = await send('telemetry', body, type);
    expect(response.status).toBe(422);
    expect(response.json().errors).toMatchObject([{ path: '/' }]);
  });

  test.each([
    [{ cursor: 'zzz' }, '/query/cursor', 'invalid_cursor'],
    [{ start: '2026-01-02T00:00:00Z', end: '2026-01-01T00:00:00Z' }, '/query/start', 'invalid_range'],
  ])('%j', async (query, path, code) => {
    const { id } = await people.device();
    for (const list of ['telemetry', 'logs']) {
      const response = await system.request({ url: `/api/v1/devices/${id}/${list}`, query, as: people.ADMIN.token() });
      expect(response.json()).toMatchObject({ status: 422, code, errors: [{ path }] });
    }
  });
});

test('above its rate a device is told to wait, however it divides its items among arrays and lines', async () => {
  const limited = await startTestSystem({ DEVICE_RATE_LIMIT: '5' });
  try {
    const limitedPeople = await createPeople(limited);
    const [loud, quiet] = [await limitedPeople.device(), await limitedPeople.device()];
    const post = ({ headers }: typeof loud, raw: string, type: string) =>
      limited.request({
        method: 'POST',
        url: '/api/v1/ingest/telemetry',
        raw,
        headers: { ...headers, 'content-type': type },
      });
    const array = JSON.stringify(Array.from({ length: 100 }, (_, n) => ({ n })));
    expect((await post(loud, array, 'application/json')).status).toBe(200);
    for (const [raw, type] of [
      ['{"n":1}', 'application/json'],
      ['{"n":1}\n{"n":2}', 'application/x-ndjson'],
    ] as const) {
      const refused = await post(loud, raw, type);
      expect(refused.json()).toMatchObject({ status: 429, code: 'rate_limited' });
      // 100 items at 5 a second, of which one second's worth is allowed at once.
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(10);
    }
    expect((await post(quiet, '{"n":1}', 'application/json')).status).toBe(200);
  } finally {
    await limited.stop();
  }
});
