import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import asyncApi from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { generatedFiles } from '#main/commands/openapi.ts';
import { loadConfig } from '#main/config.ts';
import { type JsonObject, operationsOf } from '#test/support/openapi.ts';
import { breachesIn, inlineObjectsIn } from './document-rules.ts';

const root = join(import.meta.dirname, '../..');
const files = await generatedFiles(loadConfig({}));
const parse = (path: string) => JSON.parse(files[path] ?? '') as Record<string, unknown>;

describe('files made from the code', () => {
  test.each(Object.entries(files))('%s is up to date; else run npm run core -- openapi', (path, text) => {
    const file = join(root, path);
    expect(existsSync(file) && readFileSync(file, 'utf8') === text).toBe(true);
  });
});

describe('openapi.json', () => {
  const document = parse('openapi/openapi.json');

  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  test('asks for the credentials that the operation needs, and knows them', () => {
    const { securitySchemes } = document['components'] as { securitySchemes: JsonObject };
    const schemes = operationsOf(document).map(({ path, definition }) => {
      const [{ ...scheme } = {}] = (definition['security'] ?? []) as JsonObject[];
      return [path, Object.keys(scheme)[0] ?? 'none'] as const;
    });
    const used = [...new Set(schemes.map(([, scheme]) => scheme))].sort();
    expect(used).toEqual([...Object.keys(securitySchemes), 'none'].sort());
    expect(Object.fromEntries(schemes)['/api/v1/ingest/{kind}']).toBe('device');
  });

  test('describes each tag that is used, and no other', () => {
    const described = (document['tags'] as readonly JsonObject[]).map(({ name }) => name);
    const used = operationsOf(document).flatMap(({ definition }) => definition['tags'] as readonly string[]);
    expect(described.toSorted()).toEqual([...new Set(used)].toSorted());
  });

  test('names nothing of the machine that it was made on, and the address that browsers use once it is set', async () => {
    expect(document['servers']).toEqual([{ url: '/' }]);
    const { 'openapi/openapi.json': elsewhere = '' } = await generatedFiles(
      loadConfig({ PUBLIC_URL: 'https://iot.example.com/core' }),
    );
    expect(JSON.parse(elsewhere)).toMatchObject({
      servers: [{ url: 'https://iot.example.com/core' }],
      paths: { '/api/v1/devices': {} },
    });
  });

  describe('every operation', () => {
    test.each(operationsOf(document).map((each) => [`${each.method} ${each.path}`, each] as const))('%s', (_, each) => {
      expect(breachesIn(each, document)).toEqual({});
    });

    test('and the rules see what breaks them', () => {
      const anyOf = [{ type: 'string' }, { type: 'null' }];
      const definition = {
        parameters: [
          { in: 'query', name: 'page', required: true, schema: { type: 'integer', default: 1 } },
          { in: 'query', name: 'status', required: false, example: 'ONLINE', schema: { type: 'string' } },
        ],
        responses: {
          200: { content: { 'application/json': { schema: { type: 'object', properties: { a: { anyOf } } } } } },
          404: { description: 'Not Found: `device_not_found`' },
          409: { $ref: '#/components/responses/taken' },
        },
      };
      const examples = { taken: { value: { code: 'taken', status: 404, type: 'urn:x:taken' } } };
      const taken = { description: '`taken`', content: { 'application/problem+json': { examples } } };
      const operation = { method: 'GET', path: '/x', definition };
      const response = '/responses/200/content/application/json/schema';
      expect(breachesIn(operation, { components: { responses: { taken } } })).toEqual({
        'may be called without what has a default': ['page'],
        'fills in no filter for whoever tries it': ['status'],
        'says which credentials it needs, or that it needs none': ['security'],
        'refers to its objects by name': [response],
        'says oneOf where the alternatives exclude each other': [`${response}/properties/a`],
        'shows each of its problems as it is': ['404', '409'],
      });
    });
  });

  test('has objects within its named schemas under names too', () => {
    const { schemas } = document['components'] as Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
    const within = Object.entries(schemas ?? {}).flatMap(([name, { properties }]) =>
      inlineObjectsIn(properties).map((path) => name + path),
    );
    expect(within).toEqual([]);
  });

  test('names no schema that nothing refers to', () => {
    const { schemas } = document['components'] as Readonly<Record<string, JsonObject>>;
    const text = files['openapi/openapi.json'] ?? '';
    const unused = Object.keys(schemas ?? {}).filter((name) => !text.includes(`"#/components/schemas/${name}"`));
    expect(unused).toEqual([]);
  });
});

describe('asyncapi.json', () => {
  const document = parse('openapi/asyncapi.json');

  test('is valid AsyncAPI 3.0', () => {
    const { definitions, ...schema } = asyncApi.schemas['3.0.0'] as JsonObject;
    // Ajv has the meta-schema that the bundle brings along.
    const { 'http://json-schema.org/draft-07/schema': _, ...parts } = definitions as JsonObject;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormatsModule.default(ajv as never);
    const validate = ajv.compile({ ...schema, definitions: parts });
    expect(validate(document) || validate.errors).toBe(true);
    expect(validate({ ...document, channels: { broken: { address: 7 } } })).toBe(false);
  });

  test('has an operation for every channel, and no other', () => {
    const { channels, operations } = document as Record<string, Record<string, { channel: { $ref: string } }>>;
    const used = Object.values(operations ?? {}).map(({ channel }) => channel.$ref.replace('#/channels/', ''));
    expect(used.toSorted()).toEqual(Object.keys(channels ?? {}).toSorted());
  });
});

describe('errors.md', () => {
  test('lists every code that the source declares', () => {
    const listed = [...(files['docs/errors.md'] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    // Read as text, so that a catalogue that the generator does not find is found here.
    const declared = globSync('src/**/*.ts', { cwd: root, exclude: (path) => /\.(test|contract)\.ts$/.test(path) })
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .filter((text) => text.includes('= defineErrors('))
      .flatMap((text) => [...text.matchAll(/^ {2}(\w+): \[\s*'/gm)].map(([, code]) => code));
    expect(declared.length).toBeGreaterThan(30);
    expect(listed.toSorted()).toEqual(declared.toSorted());
  });
});
