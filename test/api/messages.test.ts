import type { RouteOptions } from 'fastify';
import { describe, expect, test } from 'vitest';
import { inWords } from '#kernel/validation-messages.ts';
import { loadConfig } from '#main/config.ts';
import { SETTINGS } from '#main/settings.ts';
import { toFieldErrors } from '#platform/http/problem.ts';
import { createValidatorCompiler } from '#platform/http/validation.ts';
import { REJECT_REASONS } from '#test/support/payloads.ts';
import { composeTestSystem } from '#test/support/system.ts';

/* What people are told about invalid input: words, never a regular expression. */

type Schema = Readonly<Record<string, unknown>>;

const { routes } = await composeTestSystem(loadConfig({ MQTT_AUTH_SECRET: 'a secret of the broker' }));
const compile = createValidatorCompiler();

/** Anchors, escapes, ranges of characters, groups, counts: nobody writes these to people. */
const REGULAR_EXPRESSION = /[\\$]|(?<!\d)\^|\[[^\]]*.-.[^\]]*\]|\(\?|\{\d+,\d*\}|pattern/;

const BAD_VALUES: readonly unknown[] = [
  ...[null, true, 7, -1, 0.5, 1e300, '', ' ', '?!\u0001', 'x'.repeat(5_000), 'AA:BB:CC', '2026-02-30T00:00:00Z'],
  ...[[], [1, 1], Array(2_000).fill('x'), {}, { unknown: 1 }, { name: '\u0001' }],
];

/** Every schema inside `schema`, itself included. */
function* within(schema: unknown): Generator<Schema> {
  if (typeof schema !== 'object' || schema === null) return;
  if (!Array.isArray(schema)) yield schema as Schema;
  for (const [key, inner] of Object.entries(schema)) if (key !== 'examples' && key !== 'enum') yield* within(inner);
}

function schemasOf({ schema = {} }: RouteOptions): readonly Schema[] {
  const { body, querystring, params, headers } = schema;
  return [body, querystring, params, headers].flatMap((part) => [...within(part)]).filter(isSchema);
}

const isSchema = ({ type, anyOf, oneOf, enum: values }: Schema) =>
  typeof type === 'string' || Array.isArray(type) || [anyOf, oneOf, values].some(Array.isArray);

/** Keyword and message of all that a schema says about the bad values. */
function messagesOf(schema: Schema): readonly (readonly [keyword: string, message: string])[] {
  const validate = compile({ schema, httpPart: 'body' });
  return BAD_VALUES.flatMap((value) => {
    if (validate(structuredClone(value))) return [];
    const errors = [...(validate.errors ?? [])];
    return errors.flatMap((error) =>
      toFieldErrors([error], 'body').map(({ message }) => [error.keyword, message] as const),
    );
  });
}

describe('what is said about invalid input is words', () => {
  const seen = new Set<string>();

  test.each(routes.map((route) => [`${String(route.method)} ${route.url}`, route] as const))('at %s', (_, route) => {
    for (const schema of schemasOf(route)) {
      if (schema['pattern'] !== undefined) expect(schema).toHaveProperty('x-accepts');
      for (const [keyword, message] of messagesOf(schema)) {
        seen.add(keyword);
        expect(message).not.toMatch(REGULAR_EXPRESSION);
        expect(message).toMatch(/^(must|is|has) /);
      }
    }
  });

  test('of every kind', () => {
    expect([...seen]).toEqual(
      expect.arrayContaining(['type', 'enum', 'required', 'pattern', 'format', 'minimum', 'maximum', 'minLength']),
    );
    expect([...seen]).toEqual(expect.arrayContaining(['maxLength', 'additionalProperties', 'anyOf']));
  });

  test.each(Object.entries(SETTINGS))('of the setting %s', (_, { accepted }) => {
    expect(accepted).not.toMatch(REGULAR_EXPRESSION);
  });

  test.each(Object.entries(REJECT_REASONS))('of a message that is rejected as %s', (_, meaning) => {
    expect(meaning).not.toMatch(REGULAR_EXPRESSION);
  });
});

describe('says it well', () => {
  const uid = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$', 'x-accepts': 'letters and digits' };
  const device = { type: 'object', properties: { name: {}, device_type: {} } };

  test.each([
    ['type', {}, { type: ['integer', 'null'] }, 'x', 'must be a whole number or null'],
    ['type', {}, { type: 'boolean' }, 'x', 'must be true or false'],
    ['minimum', { type: 'integer', minimum: 1, maximum: 100 }, {}, 0, 'must be a whole number from 1 to 100'],
    ['exclusiveMinimum', { type: 'number', exclusiveMinimum: 0 }, {}, 0, 'must be a number, more than 0'],
    ['minLength', { minLength: 8 }, {}, 'x', 'must have 8 characters or more'],
    ['minLength', { minLength: 1 }, {}, '', 'must not be empty'],
    ['maxItems', { maxItems: 1 }, {}, [], 'must have 1 item at most'],
    ['enum', { enum: ['ONLINE', 'OFFLINE'] }, {}, 'online', 'must be one of ONLINE, OFFLINE; use "ONLINE"'],
    ['enum', { enum: ['ONLINE', 'OFFLINE'] }, {}, 'OFFLNE', 'must be one of ONLINE, OFFLINE; use "OFFLINE"'],
    ['enum', { enum: ['ONLINE', 'OFFLINE'] }, {}, 'x', 'must be one of ONLINE, OFFLINE'],
    ['pattern', uid, {}, 'AA:BB:CC', 'must be letters and digits; use "AA-BB-CC"'],
    ['pattern', uid, {}, ' pump 7 ', 'must be letters and digits; use "pump-7"'],
    ['pattern', uid, {}, '센서', 'must be letters and digits'],
    ['format', { format: 'uri' }, {}, 'x', 'must be an address such as https://example.com/page'],
    ['additionalProperties', device, { additionalProperty: 'Name' }, {}, 'is not a known field; did you mean "name"?'],
    [
      'additionalProperties',
      device,
      { additionalProperty: 'devicetype' },
      {},
      'is not a known field; did you mean "device_type"?',
    ],
    ['additionalProperties', device, { additionalProperty: 'colour' }, {}, 'is not a known field'],
    ['anyOf', { anyOf: [{ type: 'number' }, { type: 'null' }] }, {}, 'x', 'must be a number or null'],
  ])('%s %#', (keyword, parentSchema, params, data, message) => {
    expect(inWords({ keyword, parentSchema, params, data })).toBe(message);
  });
});
