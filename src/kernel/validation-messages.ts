import { INSTANT_FORM } from './instant.ts';
import { TIME_ZONE_FORM } from './time-zone.ts';

type Schema = Readonly<Record<string, unknown>>;

/** What a validator has to say, Ajv (with `verbose`) and TypeBox alike. */
export interface Finding {
  readonly keyword: string;
  readonly params?: object;
  /** The schema that has the keyword. */
  readonly parentSchema?: object;
  /** What was given. */
  readonly data?: unknown;
}

/**
 * Says in words what is accepted, and the nearest accepted value where there is one. The only place where messages
 * about invalid input come from: a validator's own ones show regular expressions.
 *
 * A schema with a `pattern` says in `x-accepts` what it stands for; the phrase follows "must be".
 */
export function inWords(finding: Finding): string {
  const schema = (finding.parentSchema ?? {}) as Schema;
  const params = (finding.params ?? {}) as Schema;
  const phrase = MESSAGES[finding.keyword]?.(schema, params, finding.data) ?? accepted(schema);
  const nearest = NEAREST[finding.keyword]?.(schema, params, finding.data);
  return nearest === undefined ? phrase : `${phrase}; ${nearest}`;
}

/** What TypeBox says of a value. */
interface TypeBoxError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
}

/** The fields that TypeBox complains about, one entry each, in words; `data` is what was given. */
export function fieldsOf(
  schema: object,
  errors: readonly TypeBoxError[],
  value: unknown,
): readonly { readonly path: string; readonly message: string; readonly data?: unknown }[] {
  return errors.flatMap((error) => {
    const { keyword, instancePath, schemaPath, params } = error;
    const { requiredProperties, additionalProperties } = params as Readonly<Record<string, readonly string[]>>;
    const parentSchema = at(schema, schemaPath.replace(/^#/, '')) as object;
    const field = (name: string, given: object) => ({
      path: `${instancePath}/${name}`,
      message: inWords({ keyword, params: given, parentSchema }),
    });
    if (requiredProperties !== undefined) return requiredProperties.map((name) => field(name, {}));
    if (additionalProperties !== undefined) {
      return additionalProperties.map((name) => field(name, { additionalProperty: name }));
    }
    // A forbidden property is reported a second time, as a value that may not exist.
    if (keyword === 'boolean') return [];
    const data = at(value, instancePath);
    return [{ path: instancePath || '/', message: inWords({ keyword, params, parentSchema, data }), data }];
  });
}

/** Follows a JSON pointer. */
function at(root: unknown, pointer: string): unknown {
  const parts = pointer.split('/').slice(1);
  return parts
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => (value as Schema | undefined)?.[part], root);
}

type Phrase = (schema: Schema, params: Schema, data: unknown) => string;

/** Keyword of JSON Schema → message. */
const MESSAGES: Readonly<Record<string, Phrase>> = {
  type: (_, { type }) => `must be ${listOf([type as string | string[]].flat().map((each) => TYPES[each] ?? each))}`,
  enum: ({ enum: values }) => `must be ${oneOf(values as readonly unknown[])}`,
  const: (schema, { allowedValue }) => `must be ${shown(schema['const'] ?? allowedValue)}`,
  required: () => 'is required',
  dependentRequired: () => 'is required together with what else was given',
  additionalProperties: () => 'is not a known field',
  boolean: () => 'is not a known field',
  minLength: ({ minLength }) =>
    minLength === 1 ? 'must not be empty' : `must have ${count(minLength, 'character')} or more`,
  maxLength: ({ maxLength }) => `must have ${count(maxLength, 'character')} at most`,
  minItems: ({ minItems }) => (minItems === 1 ? 'must not be empty' : `must have ${count(minItems, 'item')} or more`),
  maxItems: ({ maxItems }) => `must have ${count(maxItems, 'item')} at most`,
  uniqueItems: () => 'must not have an item twice',
  minProperties: ({ minProperties }) =>
    minProperties === 1 ? 'must not be empty' : `must have ${count(minProperties, 'field')} or more`,
  maxProperties: ({ maxProperties }) => `must have ${count(maxProperties, 'field')} at most`,
  minimum: inRange,
  maximum: inRange,
  exclusiveMinimum: inRange,
  exclusiveMaximum: inRange,
  multipleOf: ({ multipleOf }) => `must be a multiple of ${String(multipleOf)}`,
  format: (schema) => (schema['x-accepts'] === undefined ? `must be ${formatOf(schema)}` : accepted(schema)),
  anyOf: alternatives,
  oneOf: alternatives,
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': INSTANT_FORM,
  'time-zone': TIME_ZONE_FORM,
  date: 'a date such as 2026-11-25',
  uri: 'an address such as https://example.com/page',
  email: 'an e-mail address such as kim@example.com',
  uuid: 'a UUID such as 0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10',
  ipv4: 'an IPv4 address such as 192.0.2.7',
  ipv6: 'an IPv6 address such as 2001:db8::7',
};

function formatOf({ format }: Schema): string {
  return FORMATS[String(format)] ?? `in the form ${String(format)}`;
}

function accepted(schema: Schema): string {
  const { 'x-accepts': phrase, examples } = schema;
  if (typeof phrase === 'string') return `must be ${phrase}`;
  return Array.isArray(examples) ? `is not accepted; an example is ${shown(examples[0])}` : 'is not accepted';
}

function inRange({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const number = type === 'integer' || [type].flat().includes('integer') ? 'a whole number' : 'a number';
  const from = minimum ?? exclusiveMinimum;
  const to = maximum ?? exclusiveMaximum;
  const low = exclusiveMinimum === undefined ? `${String(from)} or more` : `more than ${String(from)}`;
  const high = exclusiveMaximum === undefined ? `${String(to)} or less` : `less than ${String(to)}`;
  if (to === undefined) return `must be ${number}, ${low}`;
  if (from === undefined) return `must be ${number}, ${high}`;
  const exact = exclusiveMinimum === undefined && exclusiveMaximum === undefined;
  return exact ? `must be ${number} from ${String(from)} to ${String(to)}` : `must be ${number}, ${low} and ${high}`;
}

function alternatives(schema: Schema): string {
  if (schema['x-accepts'] !== undefined) return accepted(schema);
  const branches = (schema['anyOf'] ?? schema['oneOf'] ?? []) as readonly Schema[];
  const types = branches.flatMap(({ type }) => (typeof type === 'string' ? [TYPES[type] ?? type] : []));
  return types.length === 0 ? accepted(schema) : `must be ${listOf([...new Set(types)])}`;
}

/** So long a value is looked at, and a wrong spelling is told from another word. */
const LONGEST_REPAIRED = 200;
const LARGEST_SLIP = 2;

/** Keyword → what would be accepted in the place of what was given. */
const NEAREST: Readonly<Record<string, (schema: Schema, params: Schema, data: unknown) => string | undefined>> = {
  pattern: (schema, _, data) => repaired(schema, data),
  enum: ({ enum: values }, _, data) => similar(data, values as readonly unknown[], 'use'),
  additionalProperties: ({ properties = {} }, { additionalProperty }) =>
    similar(additionalProperty, Object.keys(properties as object), 'did you mean', '?'),
};

/** What people write instead: blanks around it, other separators, capitals. */
const REPAIRS: readonly ((text: string) => string)[] = [
  (text) => text.trim(),
  (text) => text.toLowerCase(),
  (text) =>
    text
      .trim()
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^[-_]+|-+$/g, ''),
  (text) =>
    text
      .trim()
      .toLowerCase()
      .replaceAll(/[^a-z0-9_]+/g, '_')
      .replaceAll(/^[^a-z]+|_+$/g, ''),
];

function repaired(schema: Schema, data: unknown): string | undefined {
  if (typeof data !== 'string' || data.length > LONGEST_REPAIRED) return undefined;
  const pattern = new RegExp(String(schema['pattern']), 'u');
  const found = REPAIRS.map((repair) => repair(data)).find((text) => text !== '' && pattern.test(text));
  return found === undefined ? undefined : `use ${JSON.stringify(found)}`;
}

function similar(given: unknown, known: readonly unknown[], verb: string, end = ''): string | undefined {
  if (typeof given !== 'string' || given.length > LONGEST_REPAIRED) return undefined;
  const plain = (text: string) => text.trim().toLowerCase();
  const words = known
    .filter((each) => typeof each === 'string')
    .map((word) => ({ word, slips: slipsBetween(plain(given), plain(word)) }))
    .sort((a, b) => a.slips - b.slips);
  const [nearest] = words;
  if (nearest === undefined || nearest.slips > LARGEST_SLIP) return undefined;
  return `${verb} ${JSON.stringify(nearest.word)}${end}`;
}

/** Letters that are wrong, missing or too many (Levenshtein); more than that of short words means nothing. */
function slipsBetween(a: string, b: string): number {
  if (a === b) return 0;
  if (Math.min(a.length, b.length) <= LARGEST_SLIP || Math.abs(a.length - b.length) > LARGEST_SLIP) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? Infinity;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? shown(values[0]) : `one of ${values.map(shown).join(', ')}`;
}

function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function count(number: unknown, what: string): string {
  return `${String(number)} ${what}${number === 1 ? '' : 's'}`;
}
