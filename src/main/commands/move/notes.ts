import { createId } from '#kernel/ids.ts';
import { StartError } from '../../start-error.ts';

/**
 * What a move leaves in both of its stores until it is finished. `house` names the installation that moves, so that
 * a move that was interrupted goes on from the same source only.
 */
export type Note<Position> =
  | { readonly role: 'source'; readonly house: string }
  | { readonly role: 'target'; readonly house: string; readonly position: Position | null };

/** Where a store keeps the note. */
export interface Notes<Position> {
  read(): Promise<Note<Position> | null>;
  write(note: Note<Position>): Promise<void>;
  remove(): Promise<void>;
}

export interface Begun<Position> {
  readonly house: string;
  /** Everything up to here is in the target already. Null: nothing is. */
  readonly position: Position | null;
}

export interface MoveEnds<Position> {
  readonly source: Notes<Position>;
  readonly target: Notes<Position>;
  /** For messages: `the database of DATABASE_URL`. */
  readonly sourceName: string;
  readonly targetName: string;
  /** What the target holds, for the message, or null when it is empty. */
  contents(): Promise<string | null>;
  /** Makes an empty target bare, just before the first row. */
  clear(): Promise<void>;
}

/**
 * Begins a move, or finds how far an interrupted one of the same source is.
 * @throws StartError when the target holds anything else
 */
export async function beginMove<Position>(ends: MoveEnds<Position>): Promise<Begun<Position>> {
  const { source, target, sourceName, targetName } = ends;
  const known = await source.read();
  if (known?.role === 'target') {
    throw new StartError(
      `A move into ${sourceName} was not finished: run that one again, or empty it. Nothing was changed.`,
    );
  }
  const there = await target.read();
  if (there === null) {
    const contents = await ends.contents();
    if (contents !== null) {
      throw new StartError(
        `${capital(targetName)} is not empty (${contents}). Move into empty stores. Nothing was changed.`,
      );
    }
  } else if (there.role === 'source' || there.house !== known?.house) {
    const what = there.role === 'source' ? 'is itself the source of' : 'holds';
    throw new StartError(
      `${capital(targetName)} ${what} a move of another installation that was not finished. Nothing was changed.`,
    );
  }
  const house = known?.house ?? createId();
  if (known === null) await source.write({ role: 'source', house });
  if (there?.role === 'target') return { house, position: there.position };
  await ends.clear();
  await target.write({ role: 'target', house, position: null });
  return { house, position: null };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
