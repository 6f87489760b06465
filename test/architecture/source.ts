import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseSync } from '@swc/core';

/** A node of swc's syntax tree, read as plain data: walked by property names that the rules name. */
export interface SyntaxNode {
  readonly type: string;
  readonly [property: string]: unknown;
}

export interface SourceFile {
  /** From the root of the checked tree, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly statements: readonly SyntaxNode[];
  /** The line of a node, from 1. */
  lineOf(node: SyntaxNode): number;
}

/** Paths of the `.ts`, `.tsx` and `.js` files below `root`/`folder`, relative to `root`. */
export function listSources(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(tsx?|js)$/.test(path))
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .filter((path) => !path.split('/').some((part) => part === 'node_modules' || part.startsWith('.')))
    .sort();
}

export function readSource(root: string, path: string): SourceFile {
  return parseSource(path, readFileSync(join(root, path), 'utf8'));
}

export function parseSource(path: string, text: string): SourceFile {
  // swc counts positions in bytes from an arbitrary base, and the tree begins at its first token: this one.
  const tree = parseSync(`;${text}`, { syntax: 'typescript', tsx: path.endsWith('.tsx'), target: 'esnext' });
  const bytes = Buffer.from(`;${text}`);
  const lines = (until: number) => bytes.subarray(0, until).toString('utf8').split('\n').length;
  return {
    path,
    lines: text.replace(/\n$/, '').split('\n').length,
    statements: tree.body.slice(1) as unknown as readonly SyntaxNode[],
    lineOf: (node) => {
      const span = node['span'] as { readonly start: number } | undefined;
      return span === undefined ? 1 : lines(span.start - tree.span.start);
    },
  };
}

/** Every node at or below `value`, parents first. */
export function* walk(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item);
  } else if (typeof value === 'object' && value !== null) {
    if ('type' in value && typeof value.type === 'string') yield value as SyntaxNode;
    for (const child of Object.values(value)) if (typeof child === 'object') yield* walk(child);
  }
}

/** The node in a property, if there is one. */
export function child(node: SyntaxNode, property: string): SyntaxNode | undefined {
  const value = node[property];
  return typeof value === 'object' && value !== null && 'type' in value ? (value as SyntaxNode) : undefined;
}

/** Text that a person reads as a name or a string: identifiers, strings, template parts. */
export function textOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Identifier' || node.type === 'StringLiteral' || node.type === 'PrivateName') {
    return String(node['value']);
  }
  return node.type === 'TemplateElement' ? String(node['raw']) : undefined;
}

/** What a file imports or re-exports, as written; `import()` of a computed name is left out. */
export function specifiersOf(file: SourceFile): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of walk(file.statements)) {
    const source = /^(ImportDeclaration|Export(All|Named)Declaration)$/.test(node.type)
      ? child(node, 'source')
      : importCallArgument(node);
    if (source?.type === 'StringLiteral') found.add(String(source['value']));
  }
  return found;
}

function importCallArgument(node: SyntaxNode): SyntaxNode | undefined {
  if (node.type !== 'CallExpression' || child(node, 'callee')?.type !== 'Import') return undefined;
  const [first] = node['arguments'] as readonly { readonly expression: SyntaxNode }[];
  return first?.expression;
}
