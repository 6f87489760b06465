import { type Collection, type Document, type Filter, MongoServerError } from 'mongodb';
import type { Clock } from '#kernel/clock.ts';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { duplicatesOf } from '#platform/mongodb/mongodb-errors.ts';
import { createPortions } from '#platform/mongodb/portions.ts';
import type {
  CollectionDefinition,
  DocumentCollection,
  DocumentListQuery,
  DocumentQuery,
  DocumentSearchQuery,
  DocumentStore,
  StoredDocument,
} from '../documents.port.ts';
import { decode, type Encoded, encode, encodeChanges, encodeField, encodeFilter } from './documents.encoding.ts';

export interface MongodbDocumentStoreOptions {
  readonly connection: MongodbConnection;
  readonly clock: Clock;
}

/** As many as the server takes. */
const LONGEST_EXPIRY_S = 2_147_483_647;
/** Codes of the server. */
const NO_COLLECTION = 26;
const NO_INDEX = 27;

/**
 * The document store on MongoDB, a collection each. Starts after its connection. The server removes expired
 * documents by a TTL index, within minutes and by its own clock; a start removes those that expired by ours.
 */
export function createMongodbDocumentStore({ connection, clock }: MongodbDocumentStoreOptions): DocumentStore {
  const definitions: CollectionDefinition[] = [];
  const { run } = connection;

  async function prepare({ name, indexes, expiry }: CollectionDefinition): Promise<void> {
    const collection = connection.collection<Encoded>(name);
    for (const fields of indexes) {
      // The id at the end serves the order of a page without a sort.
      const keys = [...fields.map(encodeField), '_id'].map((field) => [field, 1] as const);
      await run(() => collection.createIndex(new Map(keys)));
    }
    if (expiry === undefined) return;
    await run(() => expireAfter(collection, expiry.afterMs));
    const expired = { [expiry.field]: { $lt: clock.now() - expiry.afterMs } };
    await run(() => collection.deleteMany(expired as Filter<Encoded>));
  }

  return {
    name: 'documents',
    async start() {
      for (const definition of definitions) await prepare(definition);
    },
    collection<T extends StoredDocument>(definition: CollectionDefinition) {
      definitions.push(definition);
      return createCollection<T>(connection.collection<Encoded>(definition.name), definition, run);
    },
    definitions: () => definitions,
    ping: connection.ping,
  };
}

/** What is written already follows a setting that has changed. */
async function expireAfter(collection: Collection<Encoded>, ms: number): Promise<void> {
  const expireAfterSeconds = Math.min(Math.ceil(ms / 1000), LONGEST_EXPIRY_S);
  // One of each length: another is removed, because changing it takes a right that `readWrite` does not give.
  const name = `kept_${expireAfterSeconds}`;
  const others = (await indexesOf(collection)).filter((index) => index.name !== name && '_kept_from' in index.key);
  for (const { name: other } of others) await dropIndex(collection, other as string);
  await collection.createIndex({ _kept_from: 1 }, { name, expireAfterSeconds });
}

async function indexesOf(collection: Collection<Encoded>) {
  return await collection.indexes().catch(unless(NO_COLLECTION, []));
}

/** Another process may have been faster. */
async function dropIndex(collection: Collection<Encoded>, name: string): Promise<void> {
  await collection.dropIndex(name).catch(unless(NO_INDEX, undefined));
}

function unless<T>(code: number, value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof MongoServerError && error.code === code) return value;
    throw error;
  };
}

function createCollection<T extends StoredDocument>(
  collection: Collection<Encoded>,
  { name, expiry }: CollectionDefinition,
  run: MongodbConnection['run'],
): DocumentCollection<T> {
  const inPortions = createPortions();
  return {
    name,
    async insertMany(documents) {
      if (documents.length === 0) return [];
      // The server may take an unordered batch in any order: of one id only the first is sent.
      const first = new Map<string, number>();
      for (const [index, { id }] of documents.entries()) if (!first.has(id)) first.set(id, index);
      const sent = [...first.values()];
      const encoded = sent.map((index) => encode(documents[index] as T, expiry));
      const isNew = new Set(sent);
      await inPortions(encoded, async (portion, from) => {
        const known = await run(async () => {
          try {
            await collection.insertMany([...portion], { ordered: false });
            return [];
          } catch (error) {
            return duplicatesOf(error);
          }
        });
        for (const position of known) isNew.delete(sent[from + position] as number);
      });
      return documents.map((_, index) => isNew.has(index));
    },
    async findById(id) {
      const found = await run(() => collection.findOne({ _id: id }));
      return found === null ? null : decode<T>(found);
    },
    async list(query) {
      const { field, direction } = query.sort;
      const way = direction === 'desc' ? -1 : 1;
      const sort: [string, 1 | -1][] = [
        [encodeField(field), way],
        ['_id', way],
      ];
      if (query.contains !== undefined) {
        const pipeline = [...search(query, query.contains), { $match: positionFilter({ ...query, filter: {} }) }];
        const page = [{ $sort: Object.fromEntries(sort) }, { $skip: query.skip ?? 0 }, { $limit: query.limit }];
        const found = await run(() => collection.aggregate<Encoded>([...pipeline, ...page]).toArray());
        return found.map((each) => decode<T>(each));
      }
      const found = await run(() =>
        collection
          .find(positionFilter(query))
          .sort(sort)
          .skip(query.skip ?? 0)
          .limit(query.limit)
          .toArray(),
      );
      return found.map((each) => decode<T>(each));
    },
    async scan(after, limit) {
      const filter: Filter<Encoded> = after === null ? {} : { _id: { $gt: after } };
      const found = await run(() => collection.find(filter).sort({ _id: 1 }).limit(limit).toArray());
      return found.map((each) => decode<T>(each));
    },
    async count(query) {
      if (query.contains === undefined) return run(() => collection.countDocuments(toFilter(query)));
      const pipeline = [...search(query, query.contains), { $count: 'n' }];
      const [found] = await run(() => collection.aggregate<{ n: number }>(pipeline).toArray());
      return found?.n ?? 0;
    },
    async updateMany(query, changes) {
      const $set = encodeChanges(changes, expiry);
      const { matchedCount } = await run(() => collection.updateMany(toFilter(query), { $set }));
      return matchedCount;
    },
    async removeMany(query) {
      const { deletedCount } = await run(() => collection.deleteMany(toFilter(query)));
      return deletedCount;
    },
  };
}

function toFilter({ filter = {}, range }: DocumentQuery): Filter<Encoded> {
  const terms: Filter<Encoded>[] = [encodeFilter(filter)];
  if (range?.from !== undefined) terms.push({ [encodeField(range.field)]: { $gte: range.from } });
  if (range?.to !== undefined) terms.push({ [encodeField(range.field)]: { $lt: range.to } });
  return { $and: terms };
}

/** The newest that match, and of them those that contain the text. */
function search(
  query: DocumentQuery,
  { fields, text, newestBy, most }: NonNullable<DocumentSearchQuery['contains']>,
): Document[] {
  const lower = (value: string | Document) => ({ $toLower: value });
  const found = fields.map((name) => ({
    $gte: [{ $indexOfBytes: [lower(`$${encodeField(name)}`), lower({ $literal: text })] }, 0],
  }));
  return [
    { $match: toFilter(query) },
    { $sort: { [encodeField(newestBy)]: -1, _id: -1 } },
    { $limit: most },
    { $match: { $expr: { $or: found } } },
  ];
}

function positionFilter(query: DocumentListQuery): Filter<Encoded> {
  const { after, sort } = query;
  if (after === undefined) return toFilter(query);
  const field = encodeField(sort.field);
  const [beyond, notBefore] = sort.direction === 'desc' ? (['$lt', '$lte'] as const) : (['$gt', '$gte'] as const);
  const behind: Filter<Encoded>[] = [
    { [field]: { [beyond]: after.value } },
    { [field]: after.value, _id: { [beyond]: after.id } },
  ];
  // The second term says nothing new, but it is one that an index can start at.
  return { $and: [toFilter(query), { [field]: { [notBefore]: after.value } }, { $or: behind }] };
}
