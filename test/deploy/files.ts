import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { isMap, isPair, isScalar, parseAllDocuments, parseDocument, visit } from 'yaml';
import { SETTINGS } from '#main/settings.ts';

export const root = join(import.meta.dirname, '../..');
export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');
export const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

export interface Mapping {
  readonly [key: string]: unknown;
}
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path of keys and indexes; undefined where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (typeof found === 'object' && found !== null ? (found as Mapping)[key] : undefined),
    value,
  );
}
export const mappings = (value: unknown): readonly Mapping[] => (Array.isArray(value) ? value.filter(isMapping) : []);

/** Every document of a file. kubectl reads YAML 1.1, where `on` and 0440 mean something else: both must agree. */
export function readManifests(path: string): readonly Mapping[] {
  const [documents, asKubectl] = (['1.2', '1.1'] as const).map((version) =>
    [...parseAllDocuments(readText(path), { version })].map((document): unknown => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    }),
  );
  expect(asKubectl, path).toEqual(documents);
  return mappings(documents);
}

/** A Compose file, and which of its values (`services.app.ports`) are tagged `!override` or `!reset`. */
export interface ComposeFile {
  readonly content: Mapping;
  readonly tags: ReadonlyMap<string, string>;
}

export function readCompose(path: string): ComposeFile {
  const document = parseDocument(readText(path), { merge: true });
  if (document.errors.length > 0) throw document.errors[0];
  const tags = new Map<string, string>();
  visit(document, {
    Node(_key, node, ancestors) {
      const tag = 'tag' in node ? node.tag : undefined;
      if (tag !== '!override' && tag !== '!reset') return;
      const keys = ancestors.filter(isPair).map(({ key }) => (isScalar(key) ? String(key.value) : '?'));
      tags.set(keys.join('.'), tag);
    },
  });
  if (!isMap(document.contents)) throw new Error(`${path} is not a mapping`);
  return { content: document.toJS() as Mapping, tags };
}

/** Lists that a later file replaces; others are added to. */
const REPLACED = /\.(command|entrypoint|test)$/;

/** As Compose puts one file on top of another, as far as these files make use of it. */
export function mergeCompose(base: ComposeFile, over: ComposeFile): Mapping {
  const merge = (below: unknown, above: unknown, path: string): unknown => {
    if (over.tags.get(path) === '!override' || below === undefined) return above;
    if (Array.isArray(below) && Array.isArray(above) && !REPLACED.test(path)) return [...new Set([...below, ...above])];
    if (!isMapping(below) || !isMapping(above)) return above;
    const result: Record<string, unknown> = { ...below };
    for (const [key, value] of Object.entries(above)) {
      const inner = path === '' ? key : `${path}.${key}`;
      if (over.tags.get(inner) === '!reset') delete result[key];
      else result[key] = merge(below[key], value, inner);
    }
    return result;
  };
  return merge(base.content, over.content, '') as Mapping;
}

/** A validator of one of the schemas in `schemas/`, or of a part of it. */
export function schemaOf(file: string, pointer = ''): ValidateFunction {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', file), 'utf8')) as { $id: string };
  // Their formats (a Compose duration, int32) are not those of JSON Schema.
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(schema);
  return ajv.compile({ $ref: `${schema.$id}#${pointer}` });
}

/** What a schema has against a value, as text; empty when nothing. */
export function complaints(validate: ValidateFunction, value: unknown): readonly string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** What is wrong with variables meant for core-api: one that is no setting, a value that the server would refuse. */
export function settingProblems(environment: Mapping): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const setting = Object.entries(SETTINGS).find(([known]) => known === name)?.[1];
    if (setting === undefined) return [`${name} is not a setting`];
    if (typeof value !== 'string') return [`${name} is not text`];
    return value.includes('${') || setting.parse(value).ok ? [] : [`${name}=${value} is not accepted`];
  });
}

/** Addresses with a password written out, in a text; `${NAME}` and `<password>` stand for one. */
export function writtenPasswords(text: string): readonly string[] {
  return [...text.matchAll(/[a-z+]+:\/\/[^\s/@'"$]*:[^\s/@'"$<]+@[^\s'"]*/g)].map(([found]) => found);
}
