import type { JsonObject, Operation } from '#test/support/openapi.ts';

/** What generated clients and the pages at /docs need of every operation in the API document. */
const DOCUMENT_RULES = {
  'may be called without what has a default': ({ definition }: Operation) =>
    parametersOf(definition)
      .filter(({ in: where, required, schema }) => where !== 'path' && required && schema['default'] !== undefined)
      .map(({ name }) => name),

  'fills in no filter for whoever tries it': ({ definition }: Operation) =>
    parametersOf(definition)
      .filter(
        ({ required, schema, ...rest }) =>
          !required && ['example', 'examples'].some((key) => key in rest || key in schema),
      )
      .map(({ name }) => name),

  'says which credentials it needs, or that it needs none': ({ definition }: Operation) =>
    Array.isArray(definition['security']) ? [] : ['security'],

  'refers to its objects by name': ({ definition }: Operation) => inlineObjectsIn(definition),

  'says oneOf where the alternatives exclude each other': ({ definition }: Operation) =>
    schemasIn(definition)
      .filter(([, { anyOf }]) => Array.isArray(anyOf) && new Set(anyOf.map(({ type }) => type)).size === anyOf.length)
      .map(([path]) => path),

  'shows each of its problems as it is': ({ definition }: Operation, document: JsonObject) =>
    Object.entries((definition['responses'] ?? {}) as Readonly<Record<string, JsonObject>>).flatMap(
      ([status, given]) => {
        const response = resolve(given, document);
        const { examples = {} } = (response['content'] as Problems | undefined)?.['application/problem+json'] ?? {};
        const listed = [...String(response['description']).matchAll(/`(\w+)`/g)].map(([, code]) => code);
        if (!/^[45]/.test(status)) return [];
        const shown = Object.entries(examples).filter(([code, example]) => {
          const { value } = resolve(example, document) as { value?: { code: string; status: number; type: string } };
          return value?.code === code && value.status === Number(status) && value.type.endsWith(`:${code}`);
        });
        return shown.map(([code]) => code).join() === listed.join() ? [] : [status];
      },
    ),
} satisfies Readonly<Record<string, (operation: Operation, document: JsonObject) => readonly string[]>>;

export function breachesIn(operation: Operation, document: JsonObject): Readonly<Record<string, readonly string[]>> {
  const found = Object.entries(DOCUMENT_RULES).map(([name, rule]) => [name, rule(operation, document)] as const);
  return Object.fromEntries(found.filter(([, breaks]) => breaks.length > 0));
}

type Problems = Readonly<Record<string, { readonly examples?: Readonly<Record<string, JsonObject>> }>>;

interface Parameter extends JsonObject {
  readonly in: string;
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonObject;
}

function parametersOf(definition: JsonObject): readonly Parameter[] {
  return (definition['parameters'] ?? []) as readonly Parameter[];
}

/** Follows a reference within the document. */
function resolve(value: JsonObject, document: JsonObject): JsonObject {
  const { $ref } = value;
  if (typeof $ref !== 'string') return value;
  const parts = $ref.slice('#/'.length).split('/');
  return parts.reduce<JsonObject>((parent, part) => parent[part] as JsonObject, document);
}

/** The places of objects that have fields and no name. */
export function inlineObjectsIn(value: unknown): readonly string[] {
  return schemasIn(value)
    .filter(([, { type, properties }]) => type !== undefined && properties !== undefined)
    .map(([path]) => path);
}

/** Every object inside `value`, by its path. */
function schemasIn(value: unknown, path = ''): readonly (readonly [path: string, schema: Record<string, unknown>])[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, each]) => schemasIn(each, `${path}/${key}`));
  return [[path, value as Record<string, unknown>], ...inner];
}
