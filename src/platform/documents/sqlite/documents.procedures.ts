import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type {
  CollectionDefinition,
  DocumentListQuery,
  DocumentQuery,
  DocumentSearchQuery,
  Scalar,
  StoredDocument,
} from '../documents.port.ts';

interface In<Q> {
  readonly collection: string;
  readonly query: Q;
}

/** Documents for a collection, as they cross the thread boundary. */
export interface Insertion {
  readonly collection: string;
  readonly documents: readonly StoredDocument[];
}

interface Scan {
  readonly collection: string;
  readonly after: string | null;
  readonly limit: number;
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const CACHED_STATEMENTS = 200;

/** The SQL side of the document store: one table a collection, the document as JSON text, expression indexes. */
export function createProcedures(database: DatabaseSync, mode: 'write' | 'read') {
  const prepare = createPrepare(database);
  const reads = createReads(prepare);
  return mode === 'read' ? reads : { ...reads, ...createWrites(database, prepare) };
}

/** Prepares each statement once. */
export function createPrepare(database: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      if (statements.size >= CACHED_STATEMENTS) statements.clear();
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

function createReads(prepare: (sql: string) => StatementSync) {
  return {
    'documents.findById': ({ collection, id }: { collection: string; id: string }): StoredDocument | null => {
      const row = prepare(`SELECT document FROM ${table(collection)} WHERE id = ?`).get(id) as
        | { document: string }
        | undefined;
      return row === undefined ? null : JSON.parse(row.document);
    },
    'documents.list': ({ collection, query }: In<DocumentListQuery>): StoredDocument[] => {
      const { from, where } = source(collection, query);
      const sort = field(query.sort.field);
      const direction = query.sort.direction === 'desc' ? 'DESC' : 'ASC';
      if (query.after !== undefined) {
        where.terms.push(`(${sort}, id) ${query.sort.direction === 'desc' ? '<' : '>'} (?, ?)`);
        where.values.push(query.after.value, query.after.id);
      }
      const rows = prepare(
        `SELECT document FROM ${from}${whereClause(where.terms)} ORDER BY ${sort} ${direction}, id ${direction} LIMIT ? OFFSET ?`,
      ).all(...where.values, query.limit, query.skip ?? 0) as { document: string }[];
      return rows.map((row) => JSON.parse(row.document));
    },
    'documents.scan': ({ collection, after, limit }: Scan): StoredDocument[] => {
      const where = after === null ? '' : ' WHERE id > ?';
      const rows = prepare(`SELECT document FROM ${table(collection)}${where} ORDER BY id LIMIT ?`).all(
        ...(after === null ? [] : [after]),
        limit,
      ) as { document: string }[];
      return rows.map((row) => JSON.parse(row.document));
    },
    'documents.count': ({ collection, query }: In<DocumentSearchQuery>): number => {
      const { from, where } = source(collection, query);
      const row = prepare(`SELECT count(*) AS n FROM ${from}${whereClause(where.terms)}`).get(...where.values);
      return (row as { n: number }).n;
    },
  };
}

/** Inserts what is not there yet, in the transaction of the caller. */
export function createInsert(prepare: (sql: string) => StatementSync) {
  return ({ collection, documents }: Insertion): boolean[] => {
    const insert = prepare(`INSERT INTO ${table(collection)} VALUES (?, ?) ON CONFLICT DO NOTHING`);
    return documents.map((each) => insert.run(each.id, JSON.stringify(each)).changes === 1);
  };
}

function createWrites(database: DatabaseSync, prepare: (sql: string) => StatementSync) {
  const insert = createInsert(prepare);

  function inTransaction<T>(work: () => T): T {
    prepare('BEGIN IMMEDIATE').run();
    try {
      const result = work();
      prepare('COMMIT').run();
      return result;
    } catch (error) {
      if (database.isTransaction) prepare('ROLLBACK').run();
      throw error;
    }
  }

  return {
    'documents.define': (definition: CollectionDefinition): void => {
      const name = table(definition.name);
      database.exec(`CREATE TABLE IF NOT EXISTS ${name} (id TEXT PRIMARY KEY, document TEXT NOT NULL)`);
      const indexes = [...definition.indexes, ...(definition.expiry === undefined ? [] : [[definition.expiry.field]])];
      for (const fields of indexes) {
        const indexName = `${definition.name}__${fields.map((each) => checked(each)).join('__')}`;
        database.exec(`CREATE INDEX IF NOT EXISTS "${indexName}" ON ${name} (${fields.map(field).join(', ')}, id)`);
      }
    },
    'documents.insertMany': (insertion: Insertion): boolean[] => inTransaction(() => insert(insertion)),
    'documents.updateMany': ({ collection, query, changes }: In<DocumentQuery> & { changes: object }): number => {
      const where = condition(query);
      const assignments = Object.entries(changes);
      const paths = assignments.map(([name]) => `'$.${checked(name)}', json(?)`).join(', ');
      const update = prepare(
        `UPDATE ${table(collection)} SET document = json_set(document, ${paths})${whereClause(where.terms)}`,
      );
      return Number(update.run(...assignments.map(([, value]) => JSON.stringify(value)), ...where.values).changes);
    },
    'documents.removeMany': ({ collection, query }: In<DocumentQuery>): number => {
      const where = condition(query);
      return Number(
        prepare(`DELETE FROM ${table(collection)}${whereClause(where.terms)}`).run(...where.values).changes,
      );
    },
  };
}

/** Names come from code, never from clients; checked all the same, because they become SQL. */
function checked(name: string): string {
  if (!NAME.test(name)) throw new Error(`not a field or collection name: ${name}`);
  return name;
}

function table(collection: string): string {
  return `"collection_${checked(collection)}"`;
}

function field(name: string): string {
  return name === 'id' ? 'id' : `json_extract(document, '$.${checked(name)}')`;
}

function condition(query: DocumentQuery): { terms: string[]; values: SQLInputValue[] } {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  for (const [name, value] of Object.entries(query.filter ?? {})) {
    if (!isList(value)) {
      terms.push(`${field(name)} IS ?`);
      values.push(toSql(value));
      continue;
    }
    const known = value.filter((each) => each !== null);
    const isOne = `${field(name)} IN (${known.map(() => '?').join(', ')})`;
    terms.push(known.length === value.length ? isOne : `(${isOne} OR ${field(name)} IS NULL)`);
    values.push(...known.map(toSql));
  }
  const { range } = query;
  if (range?.from !== undefined) {
    terms.push(`${field(range.field)} >= ?`);
    values.push(range.from);
  }
  if (range?.to !== undefined) {
    terms.push(`${field(range.field)} < ?`);
    values.push(range.to);
  }
  return { terms, values };
}

/** What is looked into: the collection, or the newest of it that match, where text is looked for. */
function source(collection: string, query: DocumentSearchQuery) {
  const inner = condition(query);
  const { contains } = query;
  if (contains === undefined) return { from: table(collection), where: inner };
  const { fields, text, newestBy, most } = contains;
  const from = `(SELECT id, document FROM ${table(collection)}${whereClause(inner.terms)} ORDER BY ${field(newestBy)} DESC, id DESC LIMIT ?)`;
  const like = fields.map((name) => `instr(lower(${field(name)}), lower(?)) > 0`);
  return {
    from,
    where: { terms: [`(${like.join(' OR ')})`], values: [...inner.values, most, ...fields.map(() => text)] },
  };
}

function isList(value: Scalar | readonly Scalar[]): value is readonly Scalar[] {
  return Array.isArray(value);
}

function whereClause(terms: readonly string[]): string {
  return terms.length === 0 ? '' : ` WHERE ${terms.join(' AND ')}`;
}

function toSql(value: Scalar): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value;
}
