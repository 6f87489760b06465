import { type AppError, commonErrors } from '#kernel/errors.ts';
import type { MariadbAddress } from './mariadb.address.ts';

/** What is read of an error of the driver. https://mariadb.com/kb/en/mariadb-error-codes/ */
interface DriverError {
  /** Of the server. */
  readonly errno?: unknown;
  /** Of the server, the driver or the operating system. */
  readonly code?: unknown;
  /** The connection is of no use any more. */
  readonly fatal?: unknown;
}

const DUPLICATE_KEYS: readonly unknown[] = [1022, 1062, 1169, 1586];
const FOREIGN_KEYS: readonly unknown[] = [1216, 1217, 1451, 1452];
/** The server has rolled the whole transaction back: record changed since it was read, deadlock. */
const ROLLED_BACK: readonly unknown[] = [1020, 1213];
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * The server cannot now: disk full, out of memory, too many connections, shutting down, network, table full,
 * read-only, connection killed, too many of this user, statement too slow.
 */
const UNABLE: readonly unknown[] = [
  1021, 1037, 1038, 1040, 1041, 1053, 1077, 1079, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290,
  1792, 1836, 1927, 1969, 2006, 2013, 3024, 4031,
];

const BAD_DATABASE = 1049;
const NO_RIGHT_TO_DATABASE = 1044;
/** A right to the database, to a command on a table, or to the whole server is missing. */
const RIGHT_MISSING: readonly unknown[] = [NO_RIGHT_TO_DATABASE, 1142, 1227];
const BINARY_LOG_MISTRUSTS = 1419;
const ACCESS_DENIED: readonly unknown[] = [1045, 1698];

const asDriverError = (error: unknown): DriverError =>
  typeof error === 'object' && error !== null ? (error as DriverError) : {};
const errno = (error: unknown) => asDriverError(error).errno;

export const isUniqueViolation = (error: unknown): boolean => DUPLICATE_KEYS.includes(errno(error));
export const isForeignKeyViolation = (error: unknown): boolean => FOREIGN_KEYS.includes(errno(error));
/** Lost a contest with another transaction, and nothing else is wrong: the same again may succeed. */
export const isConflict = (error: unknown): boolean => isRolledBack(error) || isLockWaitTimeout(error);
export const isRolledBack = (error: unknown): boolean => ROLLED_BACK.includes(errno(error));
export const isLockWaitTimeout = (error: unknown): boolean => errno(error) === LOCK_WAIT_TIMEOUT;
export const isFatal = (error: unknown): boolean => asDriverError(error).fatal === true;
/** Nothing is wrong with the statement. */
export const isAway = (error: unknown): boolean => isFatal(error) || UNABLE.includes(errno(error));
export const isMissingDatabase = (error: unknown): boolean => errno(error) === BAD_DATABASE;

export const databaseAway = (cause: unknown): AppError =>
  commonErrors.unavailable({ detail: 'The database is away.', details: { retryAfterSeconds: 1 }, cause });
export const databaseBusy = (cause?: unknown): AppError =>
  commonErrors.unavailable({ detail: 'The database is busy.', details: { retryAfterSeconds: 1 }, cause });

/** One line for whoever starts the program, without the password. */
export function cannotStart({ host, port, user, database }: MariadbAddress, error: unknown): AppError {
  const server = `MariaDB at ${host}:${port}`;
  const { code } = asDriverError(error);
  const detail = ACCESS_DENIED.includes(errno(error))
    ? `${server} refuses the user ${user} or its password.`
    : errno(error) === NO_RIGHT_TO_DATABASE
      ? `The user ${user} may not use the database ${database} of ${server}, or create it.`
      : isMissingDatabase(error)
        ? `${server} has no database ${database}, and the user ${user} may not create it.`
        : `${server} cannot be reached${typeof code === 'string' ? ` (${code})` : ''}.`;
  return commonErrors.unavailable({ detail, cause: error });
}

/** The same for a change of the schema that the server does not allow this user; any other error as it is. */
export function cannotMigrate({ host, port, user, database }: MariadbAddress, error: unknown): unknown {
  const server = `MariaDB at ${host}:${port}`;
  const detail =
    errno(error) === BINARY_LOG_MISTRUSTS
      ? `${server} has its binary log on and lets nobody make triggers: set log_bin_trust_function_creators=1 there.`
      : RIGHT_MISSING.includes(errno(error))
        ? `The user ${user} may not change the schema of ${database} on ${server}: GRANT ALL ON ${database}.* TO it.`
        : null;
  return detail === null ? error : commonErrors.unavailable({ detail, cause: error });
}
