export type JsonObject = Readonly<Record<string, unknown>>;

/** A schema whose title is an identifier stands under it in `components`; any other title is for people. */
const NAME = /^[A-Z][A-Za-z0-9]*$/;
const COMPONENTS = '#/components/schemas/';
/** What may differ between the places of one schema. */
const OF_THE_PLACE = new Set(['description', 'examples', 'default']);

/**
 * Puts every named schema of the document into its components and a reference to it wherever it was, and makes
 * `oneOf` of each `anyOf` whose alternatives exclude each other.
 * @throws Error when two schemas that accept different things have the same name
 */
export function nameSchemas(document: JsonObject): JsonObject {
  const { schemas: brought = {}, ...components } = (document['components'] ?? {}) as { readonly schemas?: JsonObject };
  const found = new Map<string, JsonObject>();

  function keep(name: string, schema: JsonObject): JsonObject {
    const known = found.get(name);
    if (known === undefined) found.set(name, schema);
    else if (essenceOf(known) !== essenceOf(schema)) throw new Error(`two schemas are called ${name}`);
    const $ref = `${COMPONENTS}${name}`;
    const { description } = schema;
    return description === undefined || description === (known ?? schema)['description']
      ? { $ref }
      : { $ref, description };
  }

  function visit(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const schema = exclusive(visitInside(value), found);
    // Bytes, which no validator looks at: clients send them as a text or a file.
    if (schema['format'] === 'binary') return { type: 'string', ...schema };
    const name = schema['title'];
    if (typeof name !== 'string' || !NAME.test(name) || schema['type'] === undefined) return schema;
    const types = [schema['type'] as string | readonly string[]].flat();
    if (!types.includes('null')) return keep(name, schema);
    return { oneOf: [keep(name, withoutNull(schema, types)), { type: 'null' }] };
  }

  function visitInside(schema: object): JsonObject {
    return mapEntries(schema, (each, key) => {
      // Its keys are names of fields, whatever they are called.
      if (key === 'properties') return mapEntries(each as object, visit);
      return LITERAL.has(key) ? each : visit(each);
    });
  }

  const paths = visit(document['paths']);
  const kept = Object.entries(brought).map(([name, schema]) => [name, visitInside(schema as object)] as const);
  const sorted = Object.fromEntries([...kept, ...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...document, paths, components: { ...components, schemas: sorted } };
}

/** What holds values of the API rather than schemas. */
const LITERAL = new Set(['example', 'examples', 'default', 'enum', 'const']);

function mapEntries(record: object, change: (value: unknown, key: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

function withoutNull(schema: JsonObject, types: readonly string[]): JsonObject {
  const rest = types.filter((type) => type !== 'null');
  const values = schema['enum'] as readonly unknown[] | undefined;
  return {
    ...schema,
    type: rest.length === 1 ? rest[0] : rest,
    ...(values === undefined ? {} : { enum: values.filter((value) => value !== null) }),
  };
}

function essenceOf(schema: JsonObject): string {
  const entries = Object.entries(schema).filter(([key]) => !OF_THE_PLACE.has(key));
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function exclusive(schema: JsonObject, found: ReadonlyMap<string, JsonObject>): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const types = anyOf.map((each: JsonObject) => typeOf(each, found));
  return types.every((type, index) => type !== undefined && types.indexOf(type) === index)
    ? { ...rest, oneOf: anyOf }
    : schema;
}

/** The one JSON type that a schema accepts; undefined when it is not known to be one. */
function typeOf({ type, $ref }: JsonObject, found: ReadonlyMap<string, JsonObject>): string | undefined {
  if (typeof $ref === 'string') return typeOf(found.get($ref.slice(COMPONENTS.length)) ?? {}, found);
  if (typeof type !== 'string') return undefined;
  return type === 'integer' ? 'number' : type;
}
