import type { Component } from '#kernel/lifecycle.ts';
import type { DocumentStore, StoredDocument } from '#platform/documents/documents.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { StartError } from './start-error.ts';

/**
 * What a move leaves in both of its stores until it is finished. `house` names the installation that moves, so that
 * a move that was interrupted goes on from the same source only.
 */
export type MoveNote<Position> =
  | { readonly role: 'source'; readonly house: string }
  | { readonly role: 'target'; readonly house: string; readonly position: Position | null };

/** Where a store keeps the note. */
export interface MoveNotes<Position> {
  read(): Promise<MoveNote<Position> | null>;
  write(note: MoveNote<Position>): Promise<void>;
  remove(): Promise<void>;
}

interface NoteDocument<Position> extends StoredDocument {
  readonly note: MoveNote<Position>;
}

const NOTE_ID = 'move';

export function sqlMoveNotes<Position>({ transfer }: Pick<SqlStore, 'transfer'>): MoveNotes<Position> {
  return {
    async read() {
      const text = await transfer.readNote();
      return text === null ? null : (JSON.parse(text) as MoveNote<Position>);
    },
    write: (note) => transfer.writeNote(JSON.stringify(note)),
    remove: () => transfer.removeNote(),
  };
}

/** Declares a collection for it: before the store starts. */
export function documentMoveNotes<Position>(documents: DocumentStore): MoveNotes<Position> {
  const notes = documents.collection<NoteDocument<Position>>({ name: 'moves', indexes: [] });
  return {
    read: async () => (await notes.findById(NOTE_ID))?.note ?? null,
    async write(note) {
      const replaced = await notes.updateMany({ filter: { id: NOTE_ID } }, { note });
      if (replaced === 0) await notes.insertMany([{ id: NOTE_ID, note }]);
    },
    remove: async () => void (await notes.removeMany({ filter: { id: NOTE_ID } })),
  };
}

/** @throws StartError when a move into this store was not finished: what is stored there now would be lost with it */
export async function refuseMoveTarget(store: string, notes: Pick<MoveNotes<unknown>, 'read'>): Promise<void> {
  if ((await notes.read())?.role !== 'target') return;
  throw new StartError(
    `A move into the ${store} was not finished: run npm run core -- move again and let it end, or go on with the source. What is stored here before that would be lost.`,
  );
}

/** Part of the start, after the store has started. */
export function refusingMoveTarget(store: string, notes: Pick<MoveNotes<unknown>, 'read'>): Component {
  return { name: `moves into the ${store}`, start: () => refuseMoveTarget(store, notes) };
}

/** Brings the tables up to date, unless a move into them was not finished. */
export function createSchema(sql: SqlStore): Component {
  return {
    name: 'schema',
    async start() {
      await refuseMoveTarget('database', sqlMoveNotes(sql));
      await sql.migrate();
    },
  };
}
