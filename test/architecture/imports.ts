import { cruise, type ICruiseResult, type IDependency, type IModule } from 'dependency-cruiser';
import type { ModuleEdges } from './edges.ts';
import { importRules } from './import-rules.ts';
import type { Violation } from './violation.ts';

interface ImportReport {
  /** Every file under `src/` that was read, with what it imports as written (without `node:`). */
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
  readonly violations: readonly Violation[];
}

/**
 * Reads the imports of everything under `root`/src and judges them by the import rules and the declared edges.
 * @param root absolute folder with `src/` and a package.json that names the `#` imports
 */
export async function checkImports(root: string, edges: ModuleEdges): Promise<ImportReport> {
  const { output } = await cruise(['src'], {
    baseDir: root,
    // TypeScript 7 has no API that dependency-cruiser could use; with neither parser it would read nothing and pass.
    parser: 'swc',
    moduleSystems: ['es6', 'cjs'],
    doNotFollow: { path: ['node_modules', '^(test|bench)/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default', 'types'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
    validate: true,
    ruleSet: { forbidden: importRules.map((rule) => ({ ...rule, severity: 'error' as const })) },
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a result');

  const modules = output.modules.filter(({ source }) => source.startsWith('src/'));
  return {
    files: new Map(modules.map(({ source, dependencies }) => [source, new Set(dependencies.map(writtenName))])),
    violations: [...ruleViolations(output), ...edgeViolations(modules, edges)],
  };
}

const writtenName = (dependency: IDependency) => dependency.module.replace(/^node:/, '');

function ruleViolations(result: ICruiseResult): readonly Violation[] {
  return result.summary.violations.map(({ rule, from, to }) => ({
    rule: rule.name,
    where: from,
    what: packageName(to),
  }));
}

/** The package of a file under `node_modules`, so that a report does not depend on what is installed. */
function packageName(path: string): string {
  return /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
}

const moduleOf = (path: string) => /^src\/modules\/([^/]+)\//.exec(path)?.[1];

function edgeViolations(modules: readonly IModule[], declared: ModuleEdges): readonly Violation[] {
  const used = new Map<string, string>();
  for (const { source, dependencies } of modules) {
    const from = moduleOf(source);
    if (from === undefined || source.endsWith('.test.ts')) continue;
    for (const { resolved } of dependencies) {
      const to = moduleOf(resolved);
      if (to !== undefined && to !== from) used.set(`${from} → ${to}`, source);
    }
  }
  const allowed = new Set(Object.entries(declared).flatMap(([from, tos]) => tos.map((to) => `${from} → ${to}`)));
  return [
    ...[...used]
      .filter(([edge]) => !allowed.has(edge))
      .map(([edge, source]) => ({ rule: 'edge-undeclared', where: source, what: edge })),
    ...[...allowed]
      .filter((edge) => !used.has(edge))
      .map((edge) => ({ rule: 'edge-unused', where: 'test/architecture/edges.ts', what: edge })),
  ];
}

/** Every rule that `checkImports` can report. */
export const importRuleNames: readonly string[] = [
  ...importRules.map((rule) => rule.name),
  'edge-undeclared',
  'edge-unused',
];
