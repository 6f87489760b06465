import { createId } from '#kernel/ids.ts';
import { StartError } from '../../start-error.ts';
import type { MoveNotes } from '../../unfinished-move.ts';

export interface Begun<Position> {
  readonly house: string;
  /** Everything up to here is in the target already. Null: nothing is. */
  readonly position: Position | null;
}

export interface MoveEnds<Position> {
  readonly source: MoveNotes<Position>;
  readonly target: MoveNotes<Position>;
  /** For messages: `the database of DATABASE_URL`. */
  readonly sourceName: string;
  readonly targetName: string;
  /** What the target holds, for the message, or null when it is empty. */
  contents(): Promise<string | null>;
  /** Makes an empty target bare, just before the first row. May have been cut off, and runs again then. */
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
  if (there?.role === 'target' && there.position !== null) return { house, position: there.position };
  // First: from here on no server starts on the target.
  await target.write({ role: 'target', house, position: null });
  await ends.clear();
  return { house, position: null };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
