import type {
  CollectionDefinition,
  DocumentCollection,
  DocumentStore,
  StoredDocument,
} from '#platform/documents/documents.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { documentMoveNotes, type MoveNotes } from '../../unfinished-move.ts';
import { type Comparison, createChecksum } from './checksum.ts';
import { beginMove } from './notes.ts';
import type { Progress } from './progress.ts';
import { compareTelemetry, copyTelemetry, type TelemetryPosition } from './telemetry.ts';

/** Collections come first, in the order of their declaration, then telemetry. */
export type Position = { readonly collection: string; readonly after: string } | TelemetryPosition;

/** One end of the move: a document store with its collections declared, and the telemetry beside it; not started yet. */
export interface DocumentEnd {
  readonly documents: DocumentStore;
  readonly telemetry: TelemetryStore;
  readonly collections: ReadonlyMap<CollectionDefinition, DocumentCollection<StoredDocument>>;
  readonly notes: MoveNotes<Position>;
}

export interface DocumentMove {
  readonly source: DocumentEnd;
  readonly target: DocumentEnd;
  readonly sourceName: string;
  readonly targetName: string;
  readonly now: () => number;
  readonly progress: Progress;
}

const DOCUMENTS_A_STEP = 500;
/** What expires so soon may go from one side while the other is read. */
const MARGIN_MS = 24 * 3_600_000;

/** Declares everything that is moved, and the collection of the note. Before the stores start. */
export function declareEnd(
  { documents, telemetry }: Pick<DocumentEnd, 'documents' | 'telemetry'>,
  definitions: readonly CollectionDefinition[],
): DocumentEnd {
  const collections = new Map(definitions.map((definition) => [definition, documents.collection(definition)]));
  return { documents, telemetry, collections, notes: documentMoveNotes(documents) };
}

/**
 * Copies documents, telemetry, latest values and ledgers. Writing again what is there changes nothing, so the note may
 * lag behind.
 */
export async function moveDocuments(move: DocumentMove): Promise<readonly Comparison[]> {
  const { source, target, progress } = move;
  const { house, position } = await beginMove<Position>({
    source: source.notes,
    target: target.notes,
    sourceName: move.sourceName,
    targetName: move.targetName,
    contents: () => contentsOf(target),
    clear: async () => {},
  });
  const note = (reached: Position) => target.notes.write({ role: 'target', house, position: reached });
  const definitions = [...source.collections.keys()];
  const at = position !== null && 'collection' in position ? position : null;
  const inTelemetry = position !== null && 'device' in position ? position : null;
  const reached = definitions.findIndex(({ name }) => name === at?.collection);
  for (const definition of inTelemetry === null ? definitions.slice(Math.max(0, reached)) : []) {
    await copyCollection(move, definition, definition.name === at?.collection ? at.after : null, note);
  }
  await copyTelemetry({ source: source.telemetry, target: target.telemetry, note, progress }, inTelemetry);

  const comparisons: Comparison[] = [];
  for (const definition of definitions) comparisons.push(await compareCollection(move, definition));
  return [...comparisons, ...(await compareTelemetry(source.telemetry, target.telemetry, progress))];
}

/** Forgets the move, when everything has been compared. */
export async function finishDocuments({ source, target }: Pick<DocumentMove, 'source' | 'target'>): Promise<void> {
  await target.notes.remove();
  await source.notes.remove();
}

async function copyCollection(
  { source, target, progress }: DocumentMove,
  definition: CollectionDefinition,
  from: string | null,
  note: (position: Position) => Promise<void>,
): Promise<void> {
  const [give, take] = [collectionOf(source, definition), collectionOf(target, definition)];
  const total = await give.count({});
  let done = from === null ? 0 : await take.count({});
  let after = from;
  progress.step(definition.name, done, total);
  for (;;) {
    const found = await give.scan(after, DOCUMENTS_A_STEP);
    const last = found.at(-1);
    if (last === undefined) return;
    await take.insertMany(found);
    after = last.id;
    await note({ collection: definition.name, after });
    done += found.length;
    progress.step(definition.name, done, Math.max(total, done));
  }
}

async function contentsOf({ collections, telemetry }: DocumentEnd): Promise<string | null> {
  for (const [{ name }, collection] of collections) {
    const found = await collection.count({});
    if (found > 0) return `collection ${name}: ${found} documents`;
  }
  const [device] = await telemetry.deviceIds(0, 1);
  return device === undefined ? null : `telemetry of device ${device}`;
}

function collectionOf(end: DocumentEnd, { name }: CollectionDefinition): DocumentCollection<StoredDocument> {
  for (const [definition, collection] of end.collections) if (definition.name === name) return collection;
  throw new Error(`the collection ${name} was not declared`);
}

async function compareCollection(move: DocumentMove, definition: CollectionDefinition): Promise<Comparison> {
  const { expiry } = definition;
  const from = expiry === undefined ? null : move.now() - expiry.afterMs + MARGIN_MS;
  const sumOf = async (end: DocumentEnd): Promise<string> => {
    const collection = collectionOf(end, definition);
    const sum = createChecksum();
    for (let after: string | null = null; ; ) {
      const found: readonly StoredDocument[] = await collection.scan(after, DOCUMENTS_A_STEP);
      const last = found.at(-1);
      if (last === undefined) return `${sum.count} documents, sha256 ${sum.digest()}`;
      for (const document of found) {
        const at = expiry === undefined ? null : (document as unknown as Record<string, unknown>)[expiry.field];
        if (from === null || typeof at !== 'number' || at >= from) sum.add(document);
      }
      after = last.id;
    }
  };
  const [source, target] = await Promise.all([sumOf(move.source), sumOf(move.target)]);
  return { what: `collection ${definition.name}`, source, target };
}
