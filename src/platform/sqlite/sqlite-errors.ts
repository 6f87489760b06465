import { AppError, commonErrors } from '#kernel/errors.ts';

/** What is known of an error of SQLite, also after it came from another thread. */
export interface SqliteError {
  readonly message: string;
  /** Extended result code; 0: not an error of SQLite. https://www.sqlite.org/rescode.html */
  readonly errcode: number;
}

/**
 * Why a file cannot be used although nothing is wrong with the statement. `busy` passes by itself; the others last
 * until somebody mends them.
 */
export type TroubleKind = 'busy' | 'full' | 'read-only' | 'failing' | 'damaged' | 'closed';

/** Primary result codes. */
const KINDS: Readonly<Record<number, TroubleKind>> = {
  4: 'busy', // ABORT: the transaction is over
  5: 'busy', // BUSY
  6: 'busy', // LOCKED
  8: 'read-only', // READONLY
  10: 'failing', // IOERR
  11: 'damaged', // CORRUPT
  13: 'full', // FULL
  14: 'closed', // CANTOPEN
  15: 'busy', // PROTOCOL: others kept locking it
  26: 'damaged', // NOTADB
};
/** IOERR_READ, IOERR_SHORT_READ: what cannot be read says nothing of what can be written. */
const READ_ERRORS = [266, 522];

/** For clients: what it means for them, and nothing of files and disks. */
const DETAILS: Readonly<Record<TroubleKind, string>> = {
  busy: 'The store is busy.',
  full: 'The store cannot keep anything now.',
  'read-only': 'The store cannot keep anything now.',
  failing: 'The store cannot be used now.',
  damaged: 'The store cannot be used now.',
  closed: 'The store cannot be used now.',
};

/** A file that cannot be used. The message is the operator's: it names the file and says what to do. */
export class FileTrouble extends Error {
  readonly kind: TroubleKind;
  readonly isRead: boolean;

  constructor(file: string, kind: TroubleKind, { message, errcode }: SqliteError) {
    super(describe(file, kind, message));
    this.name = 'FileTrouble';
    this.kind = kind;
    this.isRead = READ_ERRORS.includes(errcode);
  }

  /** Until somebody mends it. */
  get lasts(): boolean {
    return this.kind !== 'busy';
  }

  toAppError(): AppError {
    return commonErrors.unavailable({
      detail: DETAILS[this.kind],
      details: { retryAfterSeconds: 1 },
      cause: this,
    });
  }
}

/** Null: the statement is at fault, or it is no error of SQLite. */
export function troubleOf(file: string, error: SqliteError): FileTrouble | null {
  const kind = KINDS[error.errcode & 0xff];
  return kind === undefined ? null : new FileTrouble(file, kind, error);
}

/** For whoever starts the program: one line that names the file. */
export function cannotOpen(file: string, error: unknown): AppError {
  const cause = error instanceof AppError ? error.cause : error;
  const trouble = cause instanceof FileTrouble ? cause : troubleOf(file, toSqliteError(cause));
  if (trouble !== null) return commonErrors.unavailable({ detail: trouble.message, cause: trouble });
  return commonErrors.unavailable({
    detail: `The database ${file} cannot be opened: ${toSqliteError(error).message}`,
    cause: error,
  });
}

export function toSqliteError(error: unknown): SqliteError {
  const { message, errcode } = (error ?? {}) as Partial<SqliteError>;
  return { message: message ?? String(error), errcode: errcode ?? 0 };
}

function describe(file: string, kind: TroubleKind, message: string): string {
  switch (kind) {
    case 'busy':
      return `${file} is in use by another process (${message}).`;
    case 'full':
      return `The disk of ${file} is full: free some space.`;
    case 'read-only':
      return `${file} cannot be written: the file or its disk is read-only.`;
    case 'failing':
      return `The disk of ${file} fails (${message}): look at its free space and its health.`;
    case 'damaged':
      return `${file} is damaged (${message}): restore a backup.`;
    case 'closed':
      return `${file} cannot be opened (${message}).`;
  }
}
