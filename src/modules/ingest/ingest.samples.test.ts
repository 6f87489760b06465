import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createId } from '#kernel/ids.ts';
import { parseTimestamp } from '#platform/channels/payloads.port.ts';
import { LOG_MAX_AGE_MS, parseLog, parseResponse, parseStatus, REJECT_REASONS } from '#test/support/payloads.ts';
import { parseExactly, parseJson } from './ingest.bodies.ts';
import { DEFAULT_INGEST_LIMITS, type RejectReason } from './ingest.ports.ts';
import { parseSample } from './ingest.samples.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const limits = DEFAULT_INGEST_LIMITS;
const sample = (item: unknown) => parseSample(7, item, NOW, limits);
/** What becomes of a text that is kept as it is written: the reason why not, or what `parse` makes of it. */
const exactly = <T>(text: string, deepReason: RejectReason, parse: (value: unknown) => T) => {
  const parsed = parseExactly(Buffer.from(text), limits, deepReason);
  return typeof parsed === 'string' ? parsed : parse(parsed.value);
};
const log = (text: string) => exactly(text, 'invalid_log', (value) => parseLog(7, value, NOW, limits, createId));
const status = (text: string) => exactly(text, 'invalid_status', (value) => parseStatus(value, NOW, limits));
const response = (text: string) => exactly(text, 'invalid_response', parseResponse);

test.each([
  [{ command_id: 'c-1', status: 'progress', progress: 40 }, 'unknown_command'],
  [{ command_id: 'c-1', status: 'success', result: { a: [1] }, error: null }, 'unknown_command'],
  [{ campaign_id: 4, status: 'downloading', progress: 100 }, 'unknown_command'],
  [{ campaign_id: 4, status: 'rejected', error: 'battery low' }, 'unknown_command'],
  [{ campaign_id: 4, status: 'progress' }, 'invalid_response'],
  [{ campaign_id: '4', status: 'success' }, 'invalid_response'],
  [{ campaign_id: 4, command_id: 'c-1', status: 'success' }, 'invalid_response'],
  [{ command_id: 'c-1', status: 'installing' }, 'invalid_response'],
  [{ command_id: 'c-1', status: 'progress', progress: 101 }, 'invalid_response'],
  [{ status: 'success' }, 'invalid_response'],
])('an answer is to a command or to a firmware offer: %j', (answer, expected) => {
  expect(response(JSON.stringify(answer))).toBe(expected);
});

describe('bytes', () => {
  test.each([
    [Buffer.from([0xff, 0xfe]), 'invalid_utf8'],
    [Buffer.from('{"a":'), 'invalid_json'],
    [Buffer.alloc(0), 'invalid_json'],
    [Buffer.alloc(limits.maxPayloadBytes + 1, 0x20), 'payload_too_large'],
    [Buffer.from('{"a":1}'), { value: { a: 1 } }],
    [Buffer.from('\uFEFF{"a":1}'), { value: { a: 1 } }],
    [Buffer.from('{"a":1}\0'), { value: { a: 1 } }],
    [Buffer.from('\uFEFF{"a":1}\0'), { value: { a: 1 } }],
    [Buffer.from('{"a":1}\0\0'), 'invalid_json'],
    [Buffer.from('\uFEFF\uFEFF{"a":1}'), 'invalid_json'],
    [Buffer.from('\uFEFF'), 'invalid_json'],
    [Buffer.from('\0'), 'invalid_json'],
    [Buffer.from('{"a":NaN}'), 'invalid_json'],
  ])('case %#', (payload, expected) => {
    expect(parseJson(payload, limits)).toEqual(expected);
    const exact = parseExactly(payload, limits, 'invalid_log');
    expect(typeof exact === 'string' ? exact : { value: exact.value }).toEqual(expected);
  });

  test.each(['1', '1234567890123456', '12345678901234567'])(
    'nesting as deep as the payload allows is harmless, beside the number %s',
    (number) => {
      const deep = '['.repeat(30_000) + ']'.repeat(30_000);
      const text = `{"event_type":"x","n":${number},"payload":${deep}}`;
      expect([log(text), status(text), response(text)]).toEqual(['invalid_log', 'invalid_status', 'invalid_response']);
      const parsed = parseJson(Buffer.from(text), limits);
      if (typeof parsed === 'string') throw new Error(parsed);
      const plain = sample(parsed.value);
      expect(plain).toBe(Number(number) > 2 ** 53 ? 'integer_too_large' : 'invalid_value');
      expect(exactly(text, 'invalid_value', sample)).toBe('invalid_value');
    },
  );

  test('free JSON has up to 33 levels with its item', () => {
    const nested = (levels: number) => `{"event_type":"x","payload":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(log(nested(32))).toBeTypeOf('object');
    expect(log(nested(33))).toBe('invalid_log');
  });
});

describe('whole numbers', () => {
  const metric = (text: string) => {
    const result = exactly(`{"a":${text}}`, 'invalid_value', (item) => parseSample(7, item, NOW, limits, true));
    return typeof result === 'string' ? result : result.metrics['a'];
  };

  test.each([
    '9007199254740992',
    '-9007199254740992',
    '9007199254740993',
    '18446744073709551615',
    `1${'0'.repeat(400)}`,
  ])('%.20s would be rounded, and is to be sent as a string', (text) => {
    expect(metric(text)).toBe('integer_too_large');
    expect(metric(`"${text}"`)).toBe(text);
    expect(REJECT_REASONS['integer_too_large']).toContain('send it as a string');
  });

  test.each([
    ['9007199254740991', 2 ** 53 - 1],
    ['-9007199254740991', 1 - 2 ** 53],
    ['1e300', 1e300],
    ['1E+20', 1e20],
    ['12345678901234567890.0', 12345678901234567000],
    ['0.30000000000000004', 0.1 + 0.2],
    ['1234567890123456.5', 1234567890123456.5],
  ])('%s is taken as it is written', (text, value) => {
    expect(metric(text)).toBe(value);
  });

  test('in the free JSON of a log as well', () => {
    expect(log('{"event_type":"x","payload":{"n":[9007199254740993]}}')).toBe('integer_too_large');
  });

  test('a number that may have been rounded is not taken for what it is', () => {
    for (const value of [2 ** 53, -(2 ** 53), 1e300]) expect(sample({ a: value })).toBe('integer_too_large');
    expect(sample({ a: 2 ** 53 - 1 })).toBeTypeOf('object');
  });
});

describe('half a surrogate pair is no Unicode', () => {
  const HALF = '\ud800';

  test('in a metric', () => {
    expect(sample({ a: 1, b: `x${HALF}` })).toBe('invalid_unicode');
    expect(sample({ a: '\u{1F600}' })).toBeTypeOf('object');
    expect(sample({ [`a${HALF}`]: 1 })).toBe('invalid_metric_name');
  });

  test.each([
    { event_type: HALF },
    { event_type: 'x', message: HALF },
    { event_type: 'x', payload: [{ a: HALF }] },
    { event_type: 'x', payload: { [HALF]: 1 } },
  ])('in a log: %j', (item) => {
    expect(log(JSON.stringify(item))).toBe('invalid_unicode');
  });

  test('in a status and a response', () => {
    expect(status(JSON.stringify({ status: 'ONLINE', firmware_version: HALF }))).toBe('invalid_unicode');
    const item = { command_id: 'x', status: 'success', result: HALF };
    expect(response(JSON.stringify(item))).toBe('invalid_unicode');
  });
});

describe('null is no value', () => {
  test('a metric that has none is left out', () => {
    expect(sample({ a: 1, b: null, c: false })).toMatchObject({ metrics: { a: 1, c: false } });
    expect(Object.keys((sample({ a: 1, b: null }) as { metrics: object }).metrics)).toEqual(['a']);
    expect(sample({ timestamp: null, metrics: { a: 1, b: null } })).toMatchObject({
      timestamp: NOW,
      metrics: { a: 1 },
    });
  });

  test('a sample of nothing else has no metric; what else is wrong is still said', () => {
    expect(sample({ a: null, b: null })).toBe('empty_metrics');
    expect(sample({ metrics: null })).toBe('metrics_missing');
    expect(sample({ a: null, b: [] })).toBe('invalid_value');
    expect(sample({ 'no name': null })).toBe('invalid_metric_name');
  });

  test('a field that may be left out may be null', () => {
    const log = { event_type: 'x', level: null, message: null, payload: null, timestamp: null };
    expect(parseLog(7, log, NOW, limits, createId)).toMatchObject({ level: 'info', message: null, timestamp: NOW });
    expect(parseStatus({ status: 'ONLINE', firmware_version: null }, NOW, limits)).toEqual({
      deviceId: 7,
      source: 'message',
      status: 'ONLINE',
      at: NOW,
    });
    expect(parseStatus({ status: null }, NOW, limits)).toBe('invalid_status');
    expect(parseLog(7, { event_type: null }, NOW, limits, createId)).toBe('invalid_log');
  });
});

describe('samples', () => {
  test('the envelope and the metrics object alone', () => {
    expect(sample({ timestamp: NOW - 5, metrics: { t: 1, on: true, mode: 'x' } })).toEqual({
      deviceId: 7,
      timestamp: NOW - 5,
      metrics: { t: 1, on: true, mode: 'x' },
    });
    expect(sample({ metrics: { t: 1 } })).toEqual({ deviceId: 7, timestamp: NOW, metrics: { t: 1 } });
    expect(sample({ t: 1 })).toEqual({ deviceId: 7, timestamp: NOW, metrics: { t: 1 } });
  });

  const rejected: [unknown, string][] = [
    [null, 'not_an_object'],
    [5, 'not_an_object'],
    [[], 'not_an_object'],
    ['text', 'not_an_object'],
    [{}, 'empty_metrics'],
    [{ metrics: {} }, 'empty_metrics'],
    [{ metrics: 5 }, 'metrics_missing'],
    [{ metrics: [1] }, 'metrics_missing'],
    [{ timestamp: NOW }, 'metrics_missing'],
    [{ timestamp: NOW, temperature: 5 }, 'metrics_missing'],
    [{ metrics: { a: 1 }, extra: 1 }, 'unknown_field'],
    [{ 'no spaces': 1 }, 'invalid_metric_name'],
    [{ '1st': 1 }, 'invalid_metric_name'],
    [{ ['x'.repeat(65)]: 1 }, 'invalid_metric_name'],
    [JSON.parse('{"__proto__": 1}'), 'invalid_metric_name'],
    [{ a: { b: 1 } }, 'invalid_value'],
    [{ a: [1] }, 'invalid_value'],
    [JSON.parse('{"a": 1e999}'), 'invalid_value'],
    [{ a: 'x'.repeat(1025) }, 'string_too_long'],
    [{ a: '한'.repeat(342) }, 'string_too_long'],
    [Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m${i}`, i])), 'too_many_metrics'],
    [{ timestamp: 'yesterday', metrics: { a: 1 } }, 'invalid_timestamp'],
    [{ timestamp: true, metrics: { a: 1 } }, 'invalid_timestamp'],
    [{ timestamp: NOW + 301_000, metrics: { a: 1 } }, 'timestamp_in_future'],
    [{ timestamp: NOW - limits.maxAgeMs - 1, metrics: { a: 1 } }, 'timestamp_too_old'],
  ];
  test.each(rejected.map(([item, reason]) => ({ item, reason })))(
    'case %# is rejected as $reason',
    ({ item, reason }) => {
      expect(sample(item)).toBe(reason);
    },
  );

  test('limits are inclusive', () => {
    expect(sample({ a: 'x'.repeat(1024) })).toBeTypeOf('object');
    expect(sample({ a: '한'.repeat(341) })).toBeTypeOf('object');
    expect(sample({ ['x'.repeat(64)]: 1 })).toBeTypeOf('object');
    expect(sample(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, i])))).toBeTypeOf('object');
    expect(sample({ timestamp: NOW + 300_000, metrics: { a: 1 } })).toBeTypeOf('object');
  });
});

describe('time stamps', () => {
  const wide = { ...limits, maxAheadMs: 1e15, maxAgeMs: 1e15 };
  const at = (value: unknown) => parseTimestamp(value, NOW, wide);

  test.each([
    ['2026-11-22T19:00:00.000Z', Date.UTC(2026, 10, 22, 19)],
    ['2026-11-22T19:00:00.123456Z', Date.UTC(2026, 10, 22, 19, 0, 0, 123)],
    ['2026-11-22T19:00:00+09:00', Date.UTC(2026, 10, 22, 10)],
    ['2026-11-22 19:00:00+00:00', Date.UTC(2026, 10, 22, 19)],
    [1_760_000_000, 1_760_000_000_000],
    [1_760_000_000.5, 1_760_000_000_500],
    [1_760_000_000_123, 1_760_000_000_123],
    [0, 0],
  ])('%s', (value, expected) => {
    expect(at(value)).toBe(expected);
  });

  // Which strings are time stamps: kernel/instant.test.ts.
  test.each(['', '2026-02-30T00:00:00Z', '2026-11-22T19:00:00', '2026-11-22', 'Nov 22 2026', '1760000000'])(
    '%s is none',
    (value) => {
      expect(at(value)).toBe('invalid_timestamp');
    },
  );

  test('an ISO string, its milliseconds and its seconds are one instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2e11, max: 4e12 }), (epochMs) => {
        expect(at(new Date(epochMs).toISOString())).toBe(epochMs);
        expect(at(epochMs)).toBe(epochMs);
        expect(at(Math.floor(epochMs / 1000))).toBe(Math.floor(epochMs / 1000) * 1000);
      }),
    );
  });
});

describe('status and log', () => {
  test('a status takes only what the contract names', () => {
    expect(parseStatus({ status: 'ONLINE', firmware_version: '1.2', ip_address: '10.0.0.1' }, NOW, limits)).toEqual({
      deviceId: 7,
      source: 'message',
      status: 'ONLINE',
      firmwareVersion: '1.2',
      ipAddress: '10.0.0.1',
      at: NOW,
    });
    for (const bad of [{}, { status: 'online' }, { status: 'ONLINE', more: 1 }, [], null, 'ONLINE']) {
      expect(parseStatus(bad, NOW, limits)).toBe('invalid_status');
    }
  });

  test('a log with a time of its own has an id made of its content', () => {
    const log = { event_type: 'boot', payload: { reason: 'power' }, timestamp: NOW - 1 };
    const first = parseLog(7, log, NOW, limits, createId);
    expect(parseLog(7, log, NOW + 1000, limits, createId)).toEqual(first);
    expect(parseLog(8, log, NOW, limits, createId)).not.toMatchObject({ id: (first as { id: string }).id });
    const untimed = { event_type: 'boot' };
    expect(parseLog(7, untimed, NOW, limits, createId)).not.toEqual(parseLog(7, untimed, NOW, limits, createId));
  });
});

describe('levels of a log', () => {
  const levelOf = (level: unknown) => {
    const log = parseLog(7, { event_type: 'x', level }, NOW, limits, createId);
    return typeof log === 'string' ? log : log.level;
  };

  test.each([
    ['INFO', 'info'],
    ['warn', 'warning'],
    ['Warning', 'warning'],
    ['WARN', 'warning'],
    ['ERR', 'error'],
    ['Fatal', 'critical'],
    ['trace', 'debug'],
    ['notice', 'info'],
  ])('%s is %s', (given, level) => {
    expect(levelOf(given)).toBe(level);
  });

  test('a word that is none is the reason by itself', () => {
    for (const word of ['', 'loud', 'constructor', 'info ']) expect(levelOf(word)).toBe('invalid_level');
    for (const value of [3, true, {}]) expect(levelOf(value)).toBe('invalid_log');
  });
});

test('a log that is older than what is kept is rejected as that, whatever telemetry is kept for', () => {
  const log = (ageMs: number) => ({ event_type: 'x', timestamp: NOW - ageMs });
  for (const maxAgeMs of [86_400_000, 1e12]) {
    const set = { ...limits, maxAgeMs };
    expect(parseLog(7, log(LOG_MAX_AGE_MS), NOW, set, createId)).toBeTypeOf('object');
    expect(parseLog(7, log(LOG_MAX_AGE_MS + 1), NOW, set, createId)).toBe('timestamp_too_old');
  }
});

test('whatever JSON arrives, every parser returns a value or a listed reason', () => {
  const listed = (result: unknown) => typeof result === 'object' || Object.hasOwn(REJECT_REASONS, result as string);
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('metrics', 'timestamp', '__proto__', 'constructor', 'status', 'event_type', 'payload'),
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(key, fc.jsonValue()),
    fc.array(fc.dictionary(key, fc.jsonValue())),
  );
  fc.assert(
    fc.property(value, (item) => {
      const json = JSON.parse(JSON.stringify(item) ?? 'null');
      expect(listed(parseSample(7, json, NOW, limits))).toBe(true);
      expect(listed(parseStatus(json, NOW, limits))).toBe(true);
      expect(listed(parseLog(7, json, NOW, limits, createId))).toBe(true);
      expect(listed(parseResponse(json))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('whatever bytes arrive, the result is JSON or a listed reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const parsed = parseJson(Buffer.from(bytes), limits);
      expect(typeof parsed === 'object' || Object.hasOwn(REJECT_REASONS, parsed)).toBe(true);
    }),
  );
});
