import { RULES } from './authorisation.table.ts';

/** The row of the table that this request belongs to: the most literal one. */
export function rowOf(method: string, url: string): string {
  const rows = RULES.filter((rule) => {
    const pattern = rule.path
      .replaceAll('.', '\\.')
      .replaceAll(/\{\w+\}/g, '[^/]+')
      .replace('*', '.+');
    return rule.method === method && new RegExp(`^${pattern}$`).test(url);
  });
  const [first] = rows.toSorted((a, b) => openEnds(a.path) - openEnds(b.path) || b.path.length - a.path.length);
  return `${method} ${first?.path ?? url}`;
}

const openEnds = (path: string): number => path.split(/[{*]/).length;
