import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import Format from 'typebox/format';
import { parseInstant } from '#kernel/instant.ts';
import { isTimeZone } from '#kernel/time-zone.ts';

/** What `format: 'date-time'` lets through, for whichever validator reads the schema. */
export const isInstant = (text: string): boolean => parseInstant(text) !== null;
Format.Set('date-time', isInstant);
Format.Set('time-zone', isTimeZone);

type Options = Readonly<Record<string, unknown>>;

/**
 * An object that refuses unknown fields. Every body and query in the API is one.
 * @param name what it is called in the API document and so in generated clients; needed in bodies and answers
 */
export function Strict<T extends TProperties>(name: string, properties: T, options?: Options): TObject<T>;
export function Strict<T extends TProperties>(properties: T, options?: Options): TObject<T>;
export function Strict(
  nameOrProperties: string | TProperties,
  ...rest: readonly (TProperties | Options | undefined)[]
) {
  const named = typeof nameOrProperties === 'string';
  const [properties, options] = named ? rest : [nameOrProperties, ...rest];
  const title = named ? { title: nameOrProperties } : {};
  return Type.Object((properties ?? {}) as TProperties, { ...title, ...options, additionalProperties: false });
}

/** The name of a schema, for those that are made from it. */
function nameOf(schema: TSchema): string {
  return String((schema as { readonly title?: string }).title);
}

export const Instant = Type.String({
  format: 'date-time',
  description: 'ISO 8601 UTC with milliseconds',
  examples: ['2026-11-22T19:00:00.000Z'],
});

/**
 * `schema` or null. Where it can be, as `type: [..., 'null']`: the compiled serialiser tries the branches of
 * an `anyOf` with a validator, which makes a list of records two to three times slower to write.
 */
export function Nullable<T extends TSchema>(schema: T) {
  const { type, enum: values, ...rest } = schema as T & { readonly type?: unknown; readonly enum?: readonly unknown[] };
  if (typeof type !== 'string') return Type.Unsafe<Static<T> | null>(Type.Union([schema, Type.Null()]));
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    type: [type, 'null'],
    ...(values === undefined ? {} : { enum: [...values, null] }),
  });
}

export const Id = Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Id of the record' });

/** Query fields of every paged list; spread into the route's own query. */
export const pageQuery = {
  page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1, description: 'Page, from 1' }),
  size: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items a page' }),
};

/** `sort` of a list that can be sorted by `fields`. */
export function sortQuery(fields: readonly string[]) {
  return {
    sort: Type.Optional(
      Type.String({
        maxLength: 200,
        description: `Some of ${fields.join(', ')}; comma-separated, \`-\` for descending`,
        examples: [
          fields
            .toReversed()
            .slice(0, 2)
            .map((field, index) => (index === 0 ? `-${field}` : field))
            .join(','),
        ],
      }),
    ),
  };
}

export const searchQuery = {
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Free text' })),
};

/** Values that one filter of a list takes. */
const MOST_SEVERAL = 50;

/**
 * A filter of a list: one value or several, each of which will do, as `status=ONLINE,ERROR`. Whoever repeats the
 * parameter says the same. A comma that belongs to a value is written `\\,`.
 */
export function SeveralOf<T extends TSchema>(value: T) {
  const { description, enum: values } = value as T & { readonly description?: string; readonly enum?: unknown };
  const comma = (value as { readonly type?: unknown }).type === 'string' && values === undefined;
  return Type.Optional(
    Type.Array(value, {
      minItems: 1,
      maxItems: MOST_SEVERAL,
      ...SEPARATED,
      description: `${description ?? 'Which ones'}. Several are separated by commas: each will do${comma ? '; a comma within one is written `\\,`' : ''}`,
    }),
  );
}

/** How OpenAPI calls it. */
const SEPARATED = { style: 'form', explode: false } as const;

export function isSeparated(schema: { readonly type?: unknown; readonly explode?: unknown }): boolean {
  return schema.type === 'array' && schema.explode === SEPARATED.explode;
}

/** @param given the value of the parameter, or its values where it is repeated */
export function separated(given: unknown): unknown {
  if (typeof given !== 'string' && !Array.isArray(given)) return given;
  const parts = [given].flat().flatMap((text) => (typeof text === 'string' ? text.split(/(?<!\\),/) : [text]));
  return [...new Set(parts.map((part) => (typeof part === 'string' ? part.replaceAll('\\,', ',') : part)))];
}

/** `{items, total, page, size, pages}` */
export function PageOf<T extends TSchema>(item: T) {
  return Strict(`${nameOf(item)}Page`, {
    items: Type.Array(item, { description: 'The records of this page' }),
    total: Type.Integer({ description: 'Matching records on all pages', examples: [42] }),
    page: Type.Integer({ description: 'This page, from 1', examples: [1] }),
    size: Type.Integer({ description: 'Items a page at most', examples: [20] }),
    pages: Type.Integer({ description: 'Pages in all', examples: [3] }),
  });
}

/** `{items, next_cursor}` */
export function CursorPageOf<T extends TSchema>(item: T) {
  return Strict(`${nameOf(item)}CursorPage`, {
    items: Type.Array(item, { description: 'In the order that was asked for' }),
    next_cursor: Nullable(Type.String({ description: 'Pass as `cursor` for the next items; null at the end' })),
  });
}

/** What `sendFile` answers: a file, or a part of it. @param type of its content */
export function FileAnswers(type: string, description: string) {
  const bytes = {
    [type]: { schema: Type.Unsafe<unknown>({ type: 'string', format: 'binary', description: 'Bytes' }) },
  };
  return {
    200: { description: `${description}, with its hash as ETag`, content: bytes },
    206: { description: 'The part of it that `Range` asks for', content: bytes },
    304: Type.Null({ description: 'As it was: the ETag was in `If-None-Match`' }),
  };
}

/** Where an input is wrong, and why. */
export const FieldError = Strict('FieldError', {
  path: Type.String({ description: 'JSON pointer', examples: ['/email'] }),
  message: Type.String({ description: 'What is accepted there', examples: ['must be an e-mail address'] }),
});

/** RFC 9457 problem details. */
export const Problem = Type.Object(
  {
    type: Type.String({
      description: 'URI that identifies the kind of problem',
      examples: ['urn:core-api:problem:device_uid_taken'],
    }),
    title: Type.String({ description: 'Name of the status', examples: ['Conflict'] }),
    status: Type.Integer({ description: 'The HTTP status', examples: [409] }),
    detail: Type.String({ description: 'For people; may change', examples: ['Another device has this device_uid.'] }),
    code: Type.String({ description: 'Stable: programs may decide by it', examples: ['device_uid_taken'] }),
    request_id: Type.String({
      description: 'As in `X-Request-ID`, the log and the audit trail',
      examples: ['0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10'],
    }),
    ticket: Type.Optional(
      Type.String({
        description:
          'Of `second_factor_required`: what POST /api/v1/auth/login/2fa takes, good once and for five minutes',
        examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
      }),
    ),
    errors: Type.Optional(Type.Array(FieldError, { description: 'Of invalid input: where and why' })),
  },
  { $id: 'Problem', additionalProperties: false, title: 'Problem' },
);
export type Problem = Static<typeof Problem>;

export const VERSION_ETAG = '`"<version>"`';

/** Headers of a change that is to be made only to the version that somebody has seen. */
export const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      maxLength: 64,
      description: `${VERSION_ETAG} as in the ETag: changes nothing (412) when there is another version by now. \`*\`: whatever there is`,
      examples: ['"5"'],
    }),
  ),
});
