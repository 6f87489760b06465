import { type RawBuilder, sql } from 'kysely';

/** The pattern of `LIKE` for texts that contain this one, whatever characters it has. Goes with `isLike`. */
export function containing(text: string): string {
  // `!` escapes, because a backslash in a literal means different things to the dialects.
  return `%${text.replace(/[!%_]/g, '!$&')}%`;
}

/** Whether one of the columns (or expressions) is like the pattern of `containing`, whatever the case. */
export function isLike(
  columns: readonly (string | RawBuilder<unknown>)[],
  pattern: string | RawBuilder<unknown>,
): RawBuilder<boolean> {
  const each = columns.map((column) => {
    const text = typeof column === 'string' ? sql.ref(column) : column;
    return sql`lower(${text}) like lower(${pattern}) escape '!'`;
  });
  return sql<boolean>`(${sql.join(each, sql` or `)})`;
}
