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
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
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
