import { child, type SourceFile, type SyntaxNode, walk } from './source.ts';

/** One part's texts, as `defineTexts({ en, ko })` has them. */
interface TextTable {
  readonly en: ReadonlyMap<string, string>;
  readonly ko: ReadonlyMap<string, string>;
}

const HANGUL = /\p{Script=Hangul}/u;
const PLACEHOLDER = /\{\w+\}/g;

/** Names, units, and what programs read: the same in both languages. */
const SAME_IN_BOTH = new Set(['UID', '{who}, {when}', '{device} ({count})', '{windows} ({zone})', 'SECRET']);

/** Words in Latin letters that stand in Korean sentences: names, protocols, formats, and fields of the API. */
const LATIN_IN_KOREAN =
  /\b(core-api|Home Assistant|MQTT(_HOST|_PUBLIC_URL)?|HTTP|TLS|API|CSV|JSON|PNG|Parquet|QR|UID|ID|URL|X\.509|TAI|UTC|Discovery|retain|claim|[a-z]+(_[a-z]+)+|name|owner|metadata|timezone|lat|lon|boot)\b/g;

function tableOf(node: SyntaxNode): TextTable | undefined {
  if (node.type !== 'CallExpression' || child(node, 'callee')?.['value'] !== 'defineTexts') return undefined;
  const [argument] = node['arguments'] as readonly { readonly expression: SyntaxNode }[];
  const languages = new Map(entriesOf(argument?.expression));
  return { en: textsOf(languages.get('en')), ko: textsOf(languages.get('ko')) };
}

function entriesOf(object: SyntaxNode | undefined): readonly (readonly [key: string, value: SyntaxNode | undefined])[] {
  return ((object?.['properties'] ?? []) as readonly SyntaxNode[]).map((property) => [
    String(child(property, 'key')?.['value']),
    child(property, 'value'),
  ]);
}

const textsOf = (object: SyntaxNode | undefined): ReadonlyMap<string, string> =>
  new Map(entriesOf(object).map(([key, value]) => [key, literalOf(value) ?? '']));

/** What a text says without being computed: a string, a template without a hole. */
function literalOf(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'StringLiteral' || node?.type === 'JSXText') return String(node['value']);
  if (node?.type !== 'TemplateLiteral') return undefined;
  return (node['quasis'] as readonly SyntaxNode[]).map((part) => String(part['cooked'])).join('…');
}

export const tablesOf = (file: SourceFile): readonly TextTable[] =>
  [...walk(file.statements)].flatMap((node) => tableOf(node) ?? []);

const placeholdersIn = (text: string) => new Set(text.match(PLACEHOLDER));
const withoutPlaceholders = (text: string) => text.replaceAll(PLACEHOLDER, ' ');

/** Everything that is wrong with a table, one line each. */
export function flawsOf({ en, ko }: TextTable): readonly string[] {
  const keys = [...new Set([...en.keys(), ...ko.keys()])];
  return keys.flatMap((key) => {
    const english = en.get(key);
    const korean = ko.get(key);
    if (english === undefined || korean === undefined) return [`${key}: is not there in both languages`];
    const isSingular = key.endsWith('_one') && en.has(key.slice(0, -'_one'.length));
    return [
      ...(english.trim() === '' || korean.trim() === '' ? [`${key}: says nothing`] : []),
      ...(english === korean && !SAME_IN_BOTH.has(english) ? [`${key}: is the same in both languages`] : []),
      ...(HANGUL.test(english) ? [`${key}: has Korean in English`] : []),
      ...(isTranslated(english, korean) ? [] : [`${key}: is not Korean`]),
      ...leftOver(korean).map((words) => `${key}: has English in Korean: ${words}`),
      ...differences(placeholdersIn(english), placeholdersIn(korean), isSingular).map(
        (name) => `${key}: has ${name} in one language only`,
      ),
      ...(en.has(`${key}_one`) && !placeholdersIn(english).has('{count}')
        ? [`${key}: has a singular and no {count}`]
        : []),
    ];
  });
}

function isTranslated(english: string, korean: string): boolean {
  if (SAME_IN_BOTH.has(english)) return true;
  const words = withoutPlaceholders(korean).replaceAll(LATIN_IN_KOREAN, ' ');
  return HANGUL.test(words) || !/\p{L}/u.test(words);
}

/** Words in Latin letters that are no term. */
function leftOver(korean: string): readonly string[] {
  if (SAME_IN_BOTH.has(korean)) return [];
  const words = withoutPlaceholders(korean)
    .replaceAll(LATIN_IN_KOREAN, ' ')
    .match(/[A-Za-z]{2,}/g);
  return words === null ? [] : [words.join(' ')];
}

/** A text for one thing may leave out how many there are. */
function differences(a: ReadonlySet<string>, b: ReadonlySet<string>, isSingular: boolean): readonly string[] {
  return [...a.symmetricDifference(b)].filter((name) => !(isSingular && name === '{count}'));
}

/** Properties that people read or hear, and attributes: `text` is a key in the former. */
const SPOKEN = /^(label|title|alt|placeholder|description|message|legend|aria-(label|description|roledescription))$/;
const SPOKEN_ATTRIBUTE = new RegExp(`${SPOKEN.source}|^text$`);
/** What is said by its own name, whatever the language, and examples of what to type. */
const NAMES =
  /^(core-api|Ctrl|English|한국어|Language|언어|UID|SHA-256|mosquitto_pub|curl|Python|Arduino|ESP32|Node-RED|Home|Assistant)$/;
const EXAMPLES = new Set([
  'greenhouse-07',
  'greenhouse-*',
  'thermometer',
  'Asia/Seoul',
  '{"speed": 3}',
  'MFRG-GZDF-MZTW-Q2LK',
]);

/** Words that stand in code, where nobody translates them. */
export function untranslated(file: SourceFile): readonly string[] {
  const tables = [...walk(file.statements)].filter((node) => tableOf(node) !== undefined);
  const inTables = new Set(tables.flatMap((table) => [...walk(table)]));
  return [...walk(file.statements)]
    .filter((node) => !inTables.has(node))
    .flatMap((node) => spokenOf(node).map((text) => ({ node, text })))
    .filter(({ text }) => hasWords(text))
    .map(({ node, text }) => `${file.path}:${file.lineOf(child(node, 'value') ?? node)}: ${text.trim()}`);
}

const hasWords = (text: string) =>
  !EXAMPLES.has(text) &&
  (withoutPlaceholders(text).match(/\p{L}[\p{L}\p{N}'_-]+/gu) ?? []).some((word) => !NAMES.test(word));

/** The texts that a node says by itself. */
function spokenOf(node: SyntaxNode): readonly string[] {
  if (node.type === 'JSXText') return [String(node['value'])];
  if (node.type === 'JSXElement' || node.type === 'JSXFragment') {
    const children = node['children'] as readonly SyntaxNode[];
    return children.flatMap((each) =>
      each.type === 'JSXExpressionContainer' ? literalsOf(child(each, 'expression')) : [],
    );
  }
  if (node.type === 'JSXAttribute' && SPOKEN_ATTRIBUTE.test(String(child(node, 'name')?.['value']))) {
    const value = child(node, 'value');
    return literalsOf(value?.type === 'JSXExpressionContainer' ? child(value, 'expression') : value);
  }
  if (node.type === 'KeyValueProperty' && SPOKEN.test(String(child(node, 'key')?.['value']))) {
    return literalsOf(child(node, 'value'));
  }
  // Korean has its place in the tables and in `i18n/korean`, whatever it is for.
  return node.type === 'StringLiteral' && HANGUL.test(String(node['value'])) ? [String(node['value'])] : [];
}

/** The literals that an expression may come to: itself, the branches of a condition, what stands in for nothing. */
function literalsOf(node: SyntaxNode | undefined): readonly string[] {
  if (node?.type === 'ConditionalExpression') {
    return [...literalsOf(child(node, 'consequent')), ...literalsOf(child(node, 'alternate'))];
  }
  if (node?.type === 'BinaryExpression' && /^(\+|\?\?|\|\||&&)$/.test(String(node['operator']))) {
    return [...literalsOf(child(node, 'left')), ...literalsOf(child(node, 'right'))];
  }
  if (node?.type === 'ParenthesisExpression') return literalsOf(child(node, 'expression'));
  const text = literalOf(node);
  return text === undefined ? [] : [text];
}

/** Keys of tables that no code names, neither in full nor as `is_${status}`. */
export function unusedKeys(files: readonly SourceFile[]): readonly string[] {
  const nodes = files.flatMap((file) => {
    const all = [...walk(file.statements)];
    const inTables = new Set(all.filter((node) => tableOf(node) !== undefined).flatMap((table) => [...walk(table)]));
    return all.filter((node) => !inTables.has(node));
  });
  const named = new Set(nodes.filter(({ type }) => type === 'StringLiteral').map((node) => String(node['value'])));
  const keysOf = new Set(
    nodes.filter(({ type }) => type === 'KeyValueProperty').map((node) => String(child(node, 'key')?.['value'])),
  );
  const shapes = nodes
    .filter(({ type }) => type === 'TemplateLiteral')
    .map((node) => (node['quasis'] as readonly SyntaxNode[]).map((part) => String(part['cooked'])))
    .filter(
      (parts) =>
        parts.length > 1 && parts.some((part) => /\w/.test(part)) && parts.every((part) => /^[\w.]*$/.test(part)),
    )
    .map((parts) => new RegExp(`^${parts.map((part) => part.replaceAll('.', '\\.')).join('.+')}$`));
  const isUsed = (key: string) => named.has(key) || keysOf.has(key) || shapes.some((shape) => shape.test(key));
  return files.flatMap((file) =>
    tablesOf(file)
      .flatMap(({ en }) => [...en.keys()])
      .filter((key) => !isUsed(key) && !(key.endsWith('_one') && isUsed(key.slice(0, -4))))
      .map((key) => `${file.path}: ${key}`),
  );
}
