import { usedBeforeDeclared } from './reading-order.ts';
import { child, type SourceFile, type SyntaxNode, textOf, walk } from './source.ts';
import type { Violation } from './violation.ts';

const MAX_LINES = 400;

interface SourceRule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  /** The nodes that break the rule, or `true` for the file as a whole. */
  readonly find: (file: SourceFile) => readonly SyntaxNode[] | boolean;
}

const isTest = (path: string) => /\.(test|contract)\.ts$/.test(path);
const inSource = (path: string) => path.startsWith('src/');
const nodes = (file: SourceFile, wanted: (node: SyntaxNode) => boolean) => [...walk(file.statements)].filter(wanted);

const isNamed = (node: SyntaxNode | undefined, name: string) =>
  node !== undefined && (node.type === 'Identifier' || node.type === 'StringLiteral') && node['value'] === name;

/** `process.env`, `process['env']`, `const { env } = process`, `import { env } from 'node:process'`. */
function readsEnvironment(node: SyntaxNode): boolean {
  if (node.type === 'MemberExpression') {
    const property = child(node, 'property');
    const key = property?.type === 'Computed' ? child(property, 'expression') : property;
    return isNamed(child(node, 'object'), 'process') && isNamed(key, 'env');
  }
  if (node.type === 'VariableDeclarator') {
    const pattern = child(node, 'id');
    return isNamed(child(node, 'init'), 'process') && [...walk(pattern)].some((part) => isNamed(part, 'env'));
  }
  if (node.type !== 'ImportDeclaration' || !/^(node:)?process$/.test(String(child(node, 'source')?.['value']))) {
    return false;
  }
  return [...walk(node['specifiers'])].some((part) => isNamed(part, 'env'));
}

function isDefaultExport(node: SyntaxNode): boolean {
  if (node.type === 'ExportSpecifier') {
    return isNamed(child(node, 'exported') ?? child(node, 'orig'), 'default');
  }
  return node.type === 'ExportDefaultDeclaration' || node.type === 'ExportDefaultExpression';
}

/** Variable declarations at the top of the file, exported or not; `declare` holds no state. */
function topVariables(file: SourceFile): readonly SyntaxNode[] {
  return file.statements
    .map((statement) => (statement.type === 'ExportDeclaration' ? child(statement, 'declaration') : statement))
    .filter((node): node is SyntaxNode => node?.type === 'VariableDeclaration' && node['declare'] !== true);
}

/** A collection that starts empty can only be there to be filled. */
function startsEmpty(declaration: SyntaxNode): boolean {
  return (declaration['declarations'] as readonly SyntaxNode[]).some((declarator) => {
    const init = child(declarator, 'init');
    if (init?.type !== 'NewExpression') return false;
    const created = String(child(init, 'callee')?.['value']);
    const given = (init['arguments'] as readonly unknown[] | null) ?? [];
    return created === 'LRUCache' || (/^(Weak)?(Map|Set)$/.test(created) && given.length === 0);
  });
}

/**
 * `import { x } from 'node:http'`, types aside: it reads every export of the module, and its `WebSocket` loads the
 * network classes of browsers. `platform/http/node-http.ts` does without.
 */
function loadsHttpWhole(node: SyntaxNode): boolean {
  if (node.type !== 'ImportDeclaration' || !/^(node:)?http$/.test(String(child(node, 'source')?.['value'])))
    return false;
  const specifiers = (node['specifiers'] as readonly SyntaxNode[] | null) ?? [];
  return (
    node['typeOnly'] !== true && !(specifiers.length > 0 && specifiers.every((part) => part['isTypeOnly'] === true))
  );
}

/** `Date.parse`, and `new Date(x)`, of which nobody can tell whether `x` is a number. */
function readsTime(node: SyntaxNode): boolean {
  if (node.type === 'MemberExpression') {
    return isNamed(child(node, 'object'), 'Date') && isNamed(child(node, 'property'), 'parse');
  }
  const given = (node['arguments'] as readonly unknown[] | null | undefined) ?? [];
  return node.type === 'NewExpression' && isNamed(child(node, 'callee'), 'Date') && given.length > 0;
}

/** The parser, its counterpart, and where a number becomes a date: for a library, for the calendar. */
const READS_TIME =
  /^src\/(kernel\/(instant|clock)\.ts|platform\/(jobs\/schedule\.ts|x509\/peculiar\/|[a-z]+\/mongodb\/)|modules\/analytics\/buckets\/)/;

const rules: readonly SourceRule[] = [
  {
    name: 'profile-words-in-main-only',
    appliesTo: (path) => inSource(path) && !path.startsWith('src/main/'),
    find: (file) => nodes(file, (node) => /embedded|production/i.test(textOf(node) ?? '')),
  },
  {
    name: 'environment-read-by-config-only',
    appliesTo: (path) => inSource(path) && path !== 'src/main/config.ts',
    find: (file) => nodes(file, readsEnvironment),
  },
  {
    name: 'no-process-in-kernel-and-modules',
    appliesTo: (path) => /^src\/(kernel|modules)\//.test(path) && !isTest(path),
    find: (file) =>
      nodes(file, (node) => node.type === 'MemberExpression' && isNamed(child(node, 'object'), 'process')),
  },
  {
    name: 'no-default-export',
    appliesTo: () => true,
    find: (file) => nodes(file, isDefaultExport),
  },
  {
    name: 'no-module-level-let',
    // In a test file a `let` is what `beforeEach` fills.
    appliesTo: (path) => inSource(path) && !isTest(path),
    find: (file) => topVariables(file).filter((node) => node['kind'] !== 'const'),
  },
  {
    name: 'no-module-level-state',
    appliesTo: (path) => inSource(path) && !isTest(path),
    find: (file) => topVariables(file).filter(startsEmpty),
  },
  {
    name: 'time-parsed-by-kernel-only',
    appliesTo: (path) => inSource(path) && !isTest(path) && !READS_TIME.test(path),
    find: (file) => nodes(file, readsTime),
  },
  {
    name: 'http-loaded-in-part',
    appliesTo: (path) => inSource(path) && !isTest(path),
    find: (file) => nodes(file, loadsHttpWhole),
  },
  // Types imported in place are invisible to the import rules.
  {
    name: 'no-import-types',
    appliesTo: inSource,
    find: (file) => nodes(file, (node) => node.type === 'TsImportType'),
  },
  {
    name: 'wiring-reads-from-top-to-bottom',
    appliesTo: (path) => /^src\/main\/(compose.*|assemble|edges|foundation)\.ts$/.test(path),
    find: usedBeforeDeclared,
  },
  {
    name: 'no-utils-folder',
    appliesTo: () => true,
    find: (file) => /(^|\/)utils?\//.test(file.path),
  },
  {
    name: 'file-stays-small',
    appliesTo: () => true,
    find: (file) => file.lines > MAX_LINES,
  },
];

export const sourceRuleNames: readonly string[] = rules.map((rule) => rule.name);

/** Judges files by everything that imports alone do not show. */
export function checkSources(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    rules
      .filter((rule) => rule.appliesTo(file.path))
      .flatMap(({ name, find }) => {
        const found = find(file);
        if (typeof found === 'boolean') return found ? [{ rule: name, where: file.path, what: 'the file' }] : [];
        return found.map((node) => ({ rule: name, where: file.path, what: `line ${file.lineOf(node)}` }));
      }),
  );
}
