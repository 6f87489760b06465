import { child, type SourceFile, type SyntaxNode, walk } from './source.ts';

/**
 * The names in the body of an exported function that are used, in a closure too, in a statement before the one that
 * declares them: such a function cannot be read from top to bottom.
 */
export function usedBeforeDeclared(file: SourceFile): readonly SyntaxNode[] {
  return file.statements.flatMap((statement) => {
    const exported = statement.type === 'ExportDeclaration' ? child(statement, 'declaration') : undefined;
    if (exported?.type !== 'FunctionDeclaration') return [];
    const body = (child(exported, 'body')?.['stmts'] ?? []) as readonly SyntaxNode[];
    const used: SyntaxNode[][] = body.map((each) => [...uses(each)]);
    return body.flatMap((each, index) => {
      const names = new Set(declares(each));
      return used.slice(0, index).flatMap((before) => before.filter((node) => names.has(String(node['value']))));
    });
  });
}

function declares(statement: SyntaxNode): readonly string[] {
  if (statement.type !== 'VariableDeclaration') return [];
  return (statement['declarations'] as readonly SyntaxNode[]).flatMap((declarator) =>
    [...walk(child(declarator, 'id'))].filter(({ type }) => type === 'Identifier').map(({ value }) => String(value)),
  );
}

/** Identifiers that stand for a value: no keys of objects, no properties, no types. */
function* uses(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const item of value) yield* uses(item);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const node = value as SyntaxNode;
  if (node.type === 'Identifier') yield node;
  for (const [property, part] of Object.entries(node)) {
    const isName =
      (node.type === 'MemberExpression' && property === 'property' && child(node, 'property')?.type !== 'Computed') ||
      (/^(KeyValue|Method|Assignment)/.test(node.type ?? '') && property === 'key');
    if (!isName && !/^type(Annotation|Args|Params|Arguments)?$/.test(property)) yield* uses(part);
  }
}
