import { nodeHttp } from './node-http.ts';
import { type JsonObject, nameSchemas } from './openapi.schemas.ts';

export interface ApiDescription {
  /** Markdown, above the operations. */
  readonly text: string;
  /** Tag → what its operations are about. Those without an operation are left out. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface ApiDocumentOptions {
  readonly version: string;
  /** Where browsers reach the server; null: wherever they have the document from. */
  readonly publicUrl: string | null;
  /** Of `publicUrl`, see `PublicAddress`. */
  readonly basePath: string;
  readonly description: ApiDescription;
}

/** A problem as the document shows it. */
export interface ProblemExample {
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly detail: string;
}

interface Operation extends JsonObject {
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly responses?: Readonly<Record<string, JsonObject>>;
}

interface Parameter extends JsonObject {
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: JsonObject;
}

export interface DocumentOptions {
  /** Where the server is reached, as browsers write it; null: wherever the document came from. */
  readonly publicUrl: string | null;
  /** Code → what a problem with it looks like. */
  readonly problems: ReadonlyMap<string, ProblemExample>;
}

/** What the routes cannot say by themselves: schemas and problems under their names, who needs no token, where it is. */
export function finishDocument(document: JsonObject, { publicUrl, problems }: DocumentOptions): JsonObject {
  const responses: Record<string, unknown> = {};
  const operation = (each: Operation): JsonObject => ({
    ...each,
    security: each['security'] ?? [],
    ...(each.parameters === undefined ? {} : { parameters: each.parameters.map(finishParameter) }),
    responses: Object.fromEntries(
      Object.entries(each.responses ?? {}).map(([status, response]) => [
        status,
        finishResponse({ ...response, ...described(status, response) }, problems, responses),
      ]),
    ),
  });
  const paths = mapValues(document['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>, (item) =>
    mapValues(item, operation),
  );
  const named = nameSchemas({ ...document, paths });
  const components = named['components'] as JsonObject;
  return {
    ...named,
    servers: [{ url: publicUrl ?? '/' }],
    tags: usedTags(document),
    components: { ...components, responses, examples: mapValues(Object.fromEntries(problems), toExample) },
  };
}

/**
 * A parameter with a default may be left out, although handlers always see one. An example of an optional one is
 * told in its description only: as an example it would be filled in by whoever tries the operation, and filter
 * everything away.
 */
function finishParameter({ example, examples, ...asked }: Parameter): JsonObject {
  const parameter = withStyle(asked);
  const required = parameter.in === 'path' || (parameter.required === true && !hasDefault(parameter));
  if (required) return { ...parameter, required, ...definedOnly({ example, examples }) };
  const shown = example ?? Object.keys((examples ?? {}) as object)[0];
  const description =
    shown === undefined || hasDefault(parameter) || parameter.schema?.['enum'] !== undefined
      ? parameter.description
      : `${parameter.description}; for example \`${String(shown)}\``;
  return { ...parameter, required, ...definedOnly({ description }) };
}

/** How a list is written in the address is said of the parameter, not of its schema. */
function withStyle(parameter: Parameter): Parameter {
  const { style, explode, ...schema } = parameter.schema ?? {};
  return explode === undefined ? parameter : { ...parameter, style, explode, schema };
}

function hasDefault({ schema }: Parameter): boolean {
  return schema?.['default'] !== undefined;
}

/** A successful answer of which nobody said more than its schema. */
function described(status: string, { description }: JsonObject): JsonObject {
  return description === 'Default Response' ? { description: nodeHttp.STATUS_CODES[status] ?? status } : {};
}

/** Shows what each of its problems looks like; a response with one problem alone is the same wherever it occurs. */
function finishResponse(
  response: JsonObject,
  problems: ReadonlyMap<string, ProblemExample>,
  shared: Record<string, unknown>,
): JsonObject {
  const media = (response['content'] as JsonObject | undefined)?.['application/problem+json'];
  if (media === undefined) return response;
  const codes = [...String(response['description']).matchAll(/`(\w+)`/g)].map(([, code]) => code ?? '');
  const known = codes.filter((code) => problems.has(code));
  const examples = Object.fromEntries(known.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  const shown = { ...response, content: { 'application/problem+json': { ...(media as object), examples } } };
  const [only, ...others] = known;
  if (only === undefined || others.length > 0) return shown;
  shared[only] ??= shown;
  return { $ref: `#/components/responses/${only}` };
}

function toExample({ status, title, code, detail }: ProblemExample): JsonObject {
  const request_id = '0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10';
  const errors = code === 'invalid_input' ? { errors: [{ path: '/query/size', message: 'must be 1 or more' }] } : {};
  return {
    summary: detail,
    value: { type: `urn:core-api:problem:${code}`, title, status, detail, code, request_id, ...errors },
  };
}

function usedTags({ paths = {}, tags = [] }: JsonObject): readonly unknown[] {
  const items = Object.values(paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>);
  const used = new Set(items.flatMap((item) => Object.values(item).flatMap((each) => each.tags ?? [])));
  return (tags as readonly { readonly name: string }[]).filter(({ name }) => used.has(name));
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function definedOnly(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
