import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { isTimeZone } from '#kernel/time-zone.ts';
import type { TestResponse } from './http.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly method: string;
  /** As in the document: `/api/v1/devices/{device_id}` */
  readonly path: string;
  readonly definition: JsonObject;
}

/** Judges one answer by what the API document says about it. */
export type ResponseCheck = (
  request: { readonly method: string; readonly url: string },
  response: TestResponse,
) => void;

const DOCUMENT = 'openapi';

export function operationsOf(document: JsonObject): readonly Operation[] {
  return Object.entries(objectIn(document, 'paths')).flatMap(([path, item]) =>
    Object.entries(item as JsonObject).map(([method, definition]) => ({
      method: method.toUpperCase(),
      path,
      definition: definition as JsonObject,
    })),
  );
}

/**
 * Compares answers with the document: the status has to be listed, the content type too, the body has to fit its
 * schema. Addresses that the document does not know (hidden routes, nothing at all) are let through.
 * @param document is asked for at the first answer: most apps of a test file make many
 */
export function createResponseCheck(document: JsonObject): ResponseCheck {
  const prepared = prepare(document);
  return (request, response) => {
    const operation = prepared.find(request.method, request.url);
    if (operation === undefined) return;
    const complain = (what: string) => {
      throw new Error(
        `${operation.method} ${operation.path} answered ${response.status}: ${what}\n${response.text.slice(0, 2_000)}`,
      );
    };
    const { [response.status]: given } = objectIn(operation.definition, 'responses');
    const definition = prepared.resolve(given as JsonObject | undefined);
    if (definition === undefined) return complain('a status that the API document does not list');
    const contents = objectIn(definition, 'content');
    const type = response.headers['content-type']?.split(';')[0];
    if (response.text === '') {
      if (response.status !== 204 && !isRedirect(response.status)) complain('an empty body');
      return;
    }
    if (type === undefined || contents[type] === undefined) {
      return complain(`content type ${type}; the API document lists ${Object.keys(contents).join(', ') || 'none'}`);
    }
    const shared = (given as JsonObject)['$ref'];
    const place =
      typeof shared === 'string'
        ? shared.slice('#/'.length).split('/')
        : ['paths', operation.path, operation.method.toLowerCase(), 'responses', String(response.status)];
    const validate = prepared.validator([...place, 'content', type, 'schema']);
    if (type === 'application/problem+json') {
      // See `problem` in platform/http/openapi.ts.
      const { code } = response.json<{ readonly code: string }>();
      if (!String(definition['description']).includes(`\`${code}\``)) {
        return complain(`the code ${code}, which the API document does not list: add it to config.problems`);
      }
    }
    if (!validate(/json$/.test(type) ? response.json() : response.text)) {
      complain(`a body that does not fit its schema: ${JSON.stringify(validate.errors)}`);
    }
  };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function prepare(document: JsonObject) {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormatsModule.default(ajv as never);
  ajv.addFormat('time-zone', isTimeZone);
  ajv.addSchema({ ...document, $id: DOCUMENT });
  const validators = new Map<string, ValidateFunction>();
  // The most literal path first, as the router decides: /devices/export before /devices/{device_id}.
  const operations = operationsOf(document)
    .map((operation) => ({ operation, pattern: patternOf(operation.path) }))
    .sort((a, b) => parametersIn(a.operation.path) - parametersIn(b.operation.path));
  return {
    find(method: string, url: string): Operation | undefined {
      const [path = ''] = url.split('?');
      return operations.find(({ operation, pattern }) => operation.method === method && pattern.test(path))?.operation;
    },
    /** A response, or the one of the components that it refers to. */
    resolve(response: JsonObject | undefined): JsonObject | undefined {
      const shared = response?.['$ref'];
      if (typeof shared !== 'string') return response;
      return objectIn(objectIn(document, 'components'), 'responses')[shared.split('/').at(-1) ?? ''] as JsonObject;
    },
    validator(pointer: readonly string[]): ValidateFunction {
      const ref = `${DOCUMENT}#/${pointer.map(escapePointer).join('/')}`;
      const known = validators.get(ref);
      if (known !== undefined) return known;
      const validate = ajv.compile({ $ref: ref });
      validators.set(ref, validate);
      return validate;
    },
  };
}

function objectIn(parent: JsonObject, key: string): JsonObject {
  return (parent[key] ?? {}) as JsonObject;
}

const parametersIn = (path: string) => path.split('{').length;

function patternOf(path: string): RegExp {
  const escaped = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`);
}

/** RFC 6901, inside a URI fragment. */
function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
