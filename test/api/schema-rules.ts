import type { RouteOptions } from 'fastify';

/** A verb and what it is done to: `listDevices`, `createAlertRule`. */
const OPERATION_ID = /^[a-z]+(?:[A-Z][a-z0-9]*)+$/;

/**
 * What every operation of the API keeps to, so that the document is complete and nothing is silently dropped.
 * Each rule returns what breaks it.
 */
export const SCHEMA_RULES = {
  'says what it does': ({ schema = {} }: RouteOptions) => [
    ...(/^[A-Z].{2,70}[^.]$/.test(schema.summary ?? '') ? [] : ['summary']),
    ...(/\.$/.test(schema.description ?? '') ? [] : ['description']),
    ...(schema.tags?.length === 1 ? [] : ['tags']),
  ],

  'has a name that a generated client can bear': ({ schema = {} }: RouteOptions) =>
    OPERATION_ID.test(schema.operationId ?? '') ? [] : [schema.operationId ?? 'none'],

  'declares what it takes': (route: RouteOptions) => {
    const wheres = requestsOf(route).map(({ where }) => where);
    const missing = [];
    if (wheres.includes('params') !== route.url.includes(':')) missing.push('params');
    const hasBody = wheres.some((where) => where === 'body' || where.includes('/'));
    if (/^(PUT|PATCH)$/.test(String(route.method)) && !hasBody) missing.push('body');
    return missing;
  },

  'refuses unknown fields': (route: RouteOptions) =>
    requestsOf(route).flatMap(({ where, schema }) => {
      const isDocument = schema['patternProperties'] !== undefined && isDescribed(schema);
      const named = schema['type'] === 'object' && (schema['properties'] !== undefined || isDocument);
      // A document of the caller's own, kept as it is. What has a content type of its own is a file or a list, judged item by item by the service.
      return [...(named || where.includes('/') ? [] : [where]), ...openObjectsIn(schema, where)];
    }),

  'describes every field that it takes': (route: RouteOptions) =>
    requestsOf(route).flatMap(({ where, schema }) => {
      const wholes = where.includes('/') && !isDescribed(schema) ? [where] : [];
      return [...undescribedIn(schema, where), ...wholes];
    }),

  'describes every field that it answers': ({ schema = {} }: RouteOptions) =>
    successesOf(schema as Schema).flatMap(({ status, bodies }) =>
      bodies.flatMap((body) => undescribedIn(body, status)),
    ),

  'gives an example of every field of its body': (route: RouteOptions) =>
    requestsOf(route)
      .filter(({ where }) => where === 'body' || where.includes('/'))
      .flatMap(({ where, schema }) => withoutExampleIn(schema, where)),

  'names the codes of its problems': ({ schema = {} }: RouteOptions) =>
    Object.entries(objectIn(schema as Schema, 'response'))
      .filter(
        ([status, response]) => /^[45]/.test(status) && !/`\w+`/.test(String((response as Schema)['description'])),
      )
      .map(([status]) => status),

  /** What was made, or was there already, is one success: the same body. */
  'declares one success, with every field that it answers': ({ schema = {} }: RouteOptions) => {
    const responses = Object.entries(objectIn(schema as Schema, 'response'));
    const redirects = responses.filter(([status]) => status.startsWith('3'));
    const successes = successesOf(schema as Schema);
    const notEmpty = redirects.filter(([, redirect]) => (redirect as Schema)['type'] !== 'null');
    if (notEmpty.length > 0) return notEmpty.map(([status]) => status);
    // Some routes have nothing to do but to send a browser elsewhere.
    if (redirects.length === 1 && successes.length === 0) return [];
    const [success, ...others] = successes;
    const titles = new Set(successes.flatMap(({ bodies: [body] }) => body?.['title']));
    if (success === undefined || (others.length > 0 && titles.size > 1)) return ['response'];
    const { status, bodies } = success;
    return bodies.flatMap((body) => [
      ...(body['type'] !== undefined && (status === '204') === (body['type'] === 'null') ? [] : [status]),
      ...openObjectsIn(body, status),
    ]);
  },

  'lists the problems that follow from what it is': (route: RouteOptions) => {
    const access = route.config?.access;
    const listed = Object.keys(objectIn((route.schema ?? {}) as Schema, 'response'));
    const expected = [
      ...(access === 'public' ? [] : [401]),
      ...(Array.isArray(access) ? [403] : []),
      ...(/:\w+_id/.test(route.url) ? [404] : []),
      ...(requestsOf(route).some(({ where }) => where === 'body' || where.includes('/')) ? [413, 415] : []),
      ...[400, 422, 429, 500, 503],
    ];
    return expected.map(String).filter((status) => !listed.includes(status));
  },
} satisfies Readonly<Record<string, (route: RouteOptions) => readonly string[]>>;

type Schema = Readonly<Record<string, unknown>>;

/** The schemas of body (or of each of its content types), query and path. */
function requestsOf({ schema = {} }: RouteOptions): readonly { readonly where: string; readonly schema: Schema }[] {
  const { body, querystring, params } = schema as Readonly<Record<string, Schema | undefined>>;
  const contents = Object.entries(objectIn(body ?? {}, 'content')) as [string, { readonly schema: Schema }][];
  const bodies =
    contents.length > 0
      ? contents.map(([type, content]) => [type, content.schema] as const)
      : [['body', body] as const];
  return [...bodies, ['query', querystring] as const, ['params', params] as const].flatMap(([where, each]) =>
    each === undefined ? [] : [{ where, schema: each }],
  );
}

/** The answers with a status of success, each with the schemas of its content types. */
function successesOf(schema: Schema): readonly { readonly status: string; readonly bodies: readonly Schema[] }[] {
  const successes = Object.entries(objectIn(schema, 'response')).filter(([status]) => status.startsWith('2'));
  return successes.map(([status, definition]) => {
    const contents = Object.values(objectIn(definition as Schema, 'content')) as readonly { readonly schema: Schema }[];
    return { status, bodies: contents.length > 0 ? contents.map((content) => content.schema) : [definition as Schema] };
  });
}

function undescribedIn(schema: Schema, where: string): readonly string[] {
  return [...within(schema, where)]
    .flatMap(([path, inner]) =>
      Object.entries(objectIn(inner, 'properties')).map(
        ([name, field]) => [`${path}.${name}`, field as Schema] as const,
      ),
    )
    .filter(([, field]) => !isDescribed(field))
    .map(([path]) => path);
}

/** An example of a whole is one of all its parts; where there is none, every part has to have one. */
function withoutExampleIn(schema: Schema, path: string): readonly string[] {
  if (Array.isArray(schema['examples']) || schema['const'] !== undefined || schema['type'] === 'null') return [];
  const alternatives = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] ?? []) as readonly Schema[]);
  const properties = Object.entries(objectIn(schema, 'properties'));
  const items = schema['items'] as Schema | undefined;
  if (properties.length === 0 && items === undefined && alternatives.length === 0) return [path];
  return [
    ...properties.flatMap(([name, each]) => withoutExampleIn(each as Schema, `${path}.${name}`)),
    ...(items === undefined ? [] : withoutExampleIn(items, `${path}[]`)),
    ...alternatives.flatMap((each) => withoutExampleIn(each, path)),
  ];
}

/** Every schema inside `schema`, itself included, by its path. */
function* within(schema: Schema, path: string): Generator<readonly [path: string, schema: Schema]> {
  yield [path, schema];
  const alternatives = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] ?? []) as readonly Schema[]);
  const children: readonly (readonly [path: string, schema: unknown])[] = [
    ...Object.entries(objectIn(schema, 'properties')).map(([name, each]) => [`${path}.${name}`, each] as const),
    ...Object.values(objectIn(schema, 'patternProperties')).map((each) => [`${path}.*`, each] as const),
    ...alternatives.map((each) => [path, each] as const),
    [`${path}[]`, schema['items']],
    [`${path}.*`, schema['additionalProperties']],
  ];
  for (const [where, each] of children) {
    if (typeof each === 'object' && each !== null) yield* within(each as Schema, where);
  }
}

/** Objects with named fields that take or give more than those. */
function openObjectsIn(schema: Schema, where: string): readonly string[] {
  return [...within(schema, where)]
    .filter(([, inner]) => inner['properties'] !== undefined && inner['additionalProperties'] !== false)
    .map(([path]) => path);
}

function isDescribed(schema: Schema): boolean {
  const alternatives = (schema['anyOf'] ?? []) as readonly Schema[];
  return schema['description'] !== undefined || alternatives.some((each) => each['description'] !== undefined);
}

function objectIn(parent: Schema, key: string): Schema {
  return (parent[key] ?? {}) as Schema;
}
