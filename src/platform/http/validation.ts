import { Ajv, type ErrorObject } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { isInstant } from './http.schemas.ts';

interface Validate {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Bodies are taken literally; only what arrives as text (query, path, headers) is coerced. */
export function createValidatorCompiler() {
  const addFormats = addFormatsModule.default;
  const shared = {
    removeAdditional: false,
    useDefaults: true,
    allErrors: false,
    strict: false,
    verbose: true,
  } as const;
  const literal = new Ajv({ ...shared, coerceTypes: false });
  const coercing = new Ajv({ ...shared, coerceTypes: 'array' });
  for (const ajv of [literal, coercing]) {
    addFormats(ajv);
    ajv.addFormat('date-time', isInstant);
  }
  return ({ schema, httpPart }: { schema: object; httpPart?: string }): Validate =>
    httpPart === 'body' ? literal.compile(schema) : withPlainIntegers(schema, coercing.compile(schema));
}

/** Coercion takes whatever JavaScript's `Number` takes: ` 1`, `1e3`, `0x10`. An id in an address is digits. */
function withPlainIntegers(schema: object, validate: Validate): Validate {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  const names = Object.keys(properties).filter((name) => properties[name]?.type === 'integer');
  if (names.length === 0) return validate;
  const strict: Validate = (data) => {
    for (const name of names) {
      const value = (data as Readonly<Record<string, unknown>>)[name];
      if (typeof value !== 'string' || /^-?\d{1,15}$/.test(value)) continue;
      strict.errors = [
        {
          instancePath: `/${name}`,
          schemaPath: '',
          keyword: 'type',
          params: { type: 'integer' },
          parentSchema: properties[name] ?? {},
          data: value,
        },
      ];
      return false;
    }
    const valid = validate(data);
    strict.errors = validate.errors ?? null;
    return valid;
  };
  return strict;
}
