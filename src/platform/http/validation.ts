import { Ajv, type ErrorObject } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { isTimeZone } from '#kernel/time-zone.ts';
import { isInstant, isSeparated, separated } from './http.schemas.ts';

interface Validate {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Beyond so many values the first thing that is wrong has to do: whoever finds all of them works for as many. */
const MOST_VALUES = 2_000;

/**
 * Bodies are taken literally; only what arrives as text (query, path, headers) is coerced. What is right is seen by a
 * validator that stops at the first mistake; the one that finds all of them is made when there is one.
 */
export function createValidatorCompiler() {
  const literal = createAjv({ coerceTypes: false, allErrors: false });
  const coercing = createAjv({ coerceTypes: 'array', allErrors: false });
  const literalWhole = once(() => createAjv({ coerceTypes: false, allErrors: true }));
  const coercingWhole = once(() => createAjv({ coerceTypes: 'array', allErrors: true }));
  return ({ schema, httpPart }: { schema: object; httpPart?: string }): Validate =>
    httpPart === 'body'
      ? findingAll(
          literal.compile(schema),
          once(() => literalWhole().compile(schema)),
        )
      : withSeparatedLists(
          schema,
          withPlainIntegers(
            schema,
            findingAll(
              coercing.compile(schema),
              once(() => coercingWhole().compile(schema)),
            ),
          ),
        );
}

function createAjv(options: { readonly coerceTypes: false | 'array'; readonly allErrors: boolean }): Ajv {
  const ajv = new Ajv({ removeAdditional: false, useDefaults: true, strict: false, verbose: true, ...options });
  addFormatsModule.default(ajv);
  return ajv.addFormat('date-time', isInstant).addFormat('time-zone', isTimeZone);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function findingAll(first: Validate, whole: () => Validate): Validate {
  const validate: Validate = (data) => {
    if (first(data)) {
      validate.errors = null;
      return true;
    }
    validate.errors = first.errors ?? [];
    if (countValues(data, MOST_VALUES) < MOST_VALUES) {
      const all = whole();
      if (!all(data)) validate.errors = all.errors ?? [];
    }
    validate.errors = closestBranches(validate.errors);
    return false;
  };
  return validate;
}

/** Looks no further than `most`. */
function countValues(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const child of Object.values(value)) {
    if (count >= most) break;
    count += countValues(child, most - count);
  }
  return count;
}

/**
 * A union reports what each of its branches has against a value. Most of that is about branches that nobody meant: left
 * are the complaints of the branch that has the fewest, or, where each refuses the value as such, those of the union,
 * which names all that it takes.
 */
function closestBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  let left = [...errors];
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const inBranches = left.filter(({ schemaPath }) => schemaPath.startsWith(`${union.schemaPath}/`));
    const branches = Map.groupBy(inBranches, ({ schemaPath }) =>
      schemaPath
        .slice(union.schemaPath.length + 1)
        .split('/', 1)
        .join(),
    );
    const inside = [...branches.values()].filter((branch) =>
      branch.every(({ instancePath, keyword }) => instancePath !== union.instancePath || isAboutFields(keyword)),
    );
    const [closest] = inside.sort((one, other) => one.length - other.length);
    const dropped = new Set(closest === undefined ? inBranches : [union, ...inBranches]);
    for (const error of closest ?? []) dropped.delete(error);
    left = left.filter((error) => !dropped.has(error));
  }
  return left;
}

function isAboutFields(keyword: string): boolean {
  return keyword === 'required' || keyword === 'additionalProperties' || keyword === 'dependentRequired';
}

interface Field {
  readonly type?: unknown;
  readonly explode?: unknown;
  readonly items?: Field;
}

function fieldsOf(schema: object): Readonly<Record<string, Field>> {
  return (schema as { readonly properties?: Readonly<Record<string, Field>> }).properties ?? {};
}

/** `status=ONLINE,ERROR` becomes the list that its schema speaks of. */
function withSeparatedLists(schema: object, validate: Validate): Validate {
  const names = Object.entries(fieldsOf(schema)).flatMap(([name, field]) => (isSeparated(field) ? [name] : []));
  if (names.length === 0) return validate;
  const splitting: Validate = (data) => {
    const given = data as Record<string, unknown>;
    for (const name of names) if (given[name] !== undefined) given[name] = separated(given[name]);
    const valid = validate(data);
    splitting.errors = validate.errors ?? null;
    return valid;
  };
  return splitting;
}

/** Coercion takes whatever JavaScript's `Number` takes: ` 1`, `1e3`, `0x10`. An id in an address is digits. */
function withPlainIntegers(schema: object, validate: Validate): Validate {
  const fields = Object.entries(fieldsOf(schema)).flatMap(([name, field]) => {
    const value = field.type === 'array' ? field.items : field;
    return value?.type === 'integer' ? [{ name, value }] : [];
  });
  if (fields.length === 0) return validate;
  const strict: Validate = (data) => {
    const wrong = fields.flatMap(({ name, value }) => {
      const given = (data as Readonly<Record<string, unknown>>)[name];
      const places: readonly [string, unknown][] = Array.isArray(given)
        ? given.map((each, index) => [`/${name}/${index}`, each])
        : [[`/${name}`, given]];
      return places
        .filter(([, each]) => typeof each === 'string' && !/^-?\d{1,15}$/.test(each))
        .map(([instancePath, each]) => ({
          instancePath,
          schemaPath: '',
          keyword: 'type',
          params: { type: 'integer' },
          parentSchema: value,
          data: each,
        }));
    });
    const valid = validate(data);
    strict.errors = [...wrong, ...(validate.errors ?? [])];
    return valid && wrong.length === 0;
  };
  return strict;
}
