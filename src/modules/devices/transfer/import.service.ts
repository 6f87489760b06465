import { Compile } from 'typebox/compile';
import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { giveWay } from '#kernel/concurrency.ts';
import { type FieldError, isAppError } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { fieldsOf } from '#kernel/validation-messages.ts';
import { auditedDevice, deviceEntry } from '../devices.audit.ts';
import { deviceErrors } from '../devices.errors.ts';
import type { DeviceLogins } from '../devices.logins.ts';
import { METADATA_MAX_VALUES } from '../devices.metadata.ts';
import type { DeviceCredentials, DeviceStore, NewDevice, UserDirectory } from '../devices.ports.ts';
import { prepareDevice } from '../devices.registration.ts';
import { DeviceBody, toInput } from '../devices.schemas.ts';
import { MEASURED_COLUMNS, shown } from './csv.columns.ts';
import type { ReadRow } from './import.csv.ts';
import { IMPORT_MAX_ROWS, type ImportedRow } from './transfer.ports.ts';

/** @throws AppError `device_import_too_large` */
export function checkRowCount(rows: readonly unknown[]): void {
  if (rows.length <= IMPORT_MAX_ROWS) return;
  const fields = [{ path: '/', message: `must have at most ${IMPORT_MAX_ROWS} rows` }];
  throw deviceErrors.device_import_too_large({ details: { fields } });
}

export interface ImportServiceDeps {
  readonly store: Pick<DeviceStore, 'transaction'>;
  readonly logins: Pick<DeviceLogins, 'open'>;
  readonly users: UserDirectory;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type ImportService = ReturnType<typeof createImportService>;

interface InsertedRow {
  readonly result: ImportedRow;
  readonly deviceId: number | null;
}

/** Rows in one transaction; as many as are written within a few milliseconds. */
const SLICE = 50;
const MAX_ERRORS_A_ROW = 10;
/** Of a row of JSON, those within its metadata too: no device has more. */
const MAX_FIELDS = METADATA_MAX_VALUES + 50;
const TOO_MANY_FIELDS = [{ path: '/', message: `has more than ${MAX_FIELDS} fields` }];

const schema = Compile(DeviceBody);

/** Ends the transaction of a dry run, so that nothing of it stays. */
class RolledBack extends Error {
  readonly results: readonly InsertedRow[];

  constructor(results: readonly InsertedRow[]) {
    super('dry run');
    this.results = results;
  }
}

interface Candidate {
  readonly row: number;
  readonly device: NewDevice;
  readonly credentials: DeviceCredentials;
}

export function createImportService({ store, logins, users, clock, events }: ImportServiceDeps) {
  /** @throws AppError `device_metadata_invalid` */
  function prepare(row: number, { value: given, errors }: ReadRow): Candidate | ImportedRow {
    if (hasTooManyFields(given)) return failed(row, uidOf(given), TOO_MANY_FIELDS);
    const value = withoutMeasured(given);
    if (errors.length > 0 || !schema.Check(value)) {
      return failed(row, uidOf(value), [...errors, ...fieldErrors(value)].slice(0, MAX_ERRORS_A_ROW));
    }
    const input = toInput(value as DeviceBody);
    try {
      const { row: device, credentials } = prepareDevice(input);
      return { row, device, credentials };
    } catch (error) {
      return failed(row, input.deviceUid ?? null, rowErrors(error));
    }
  }

  async function insertSlice(
    actor: Principal,
    candidates: readonly Candidate[],
    { taken, at, dryRun }: { readonly taken: Map<string, number>; readonly at: number; readonly dryRun: boolean },
  ): Promise<readonly InsertedRow[]> {
    const work = store.transaction(async (writer, audit) => {
      const groups = new Map<number, boolean>();
      const results: { result: ImportedRow; deviceId: number | null }[] = [];
      for (const { row, device, credentials } of candidates) {
        const { deviceUid, groupId } = device;
        try {
          if (groupId !== null) {
            const exists = groups.get(groupId) ?? (await writer.groupExists(groupId));
            groups.set(groupId, exists);
            if (!exists) throw deviceErrors.device_group_unknown();
          }
          // What an earlier slice of a dry run has inserted is gone again.
          if (dryRun && (taken.get(deviceUid) ?? row) !== row) throw deviceErrors.device_uid_taken();
          const deviceId = await writer.insert(device, at);
          const details = { ...auditedDevice(device), imported: true };
          await audit.record(deviceEntry(actor, 'device.created', deviceId, details));
          results.push({ result: { row, deviceUid, credentials, errors: [] }, deviceId });
        } catch (error) {
          // Its own row is known already when the transaction is repeated.
          const same = taken.get(deviceUid) === row ? undefined : taken.get(deviceUid);
          results.push({ result: failed(row, deviceUid, rowErrors(error, same)), deviceId: null });
        }
        // Also when it failed: what another row says about this uid then holds for the same reason.
        if (!taken.has(deviceUid)) taken.set(deviceUid, row);
      }
      if (dryRun) throw new RolledBack(results);
      return results;
    });
    return work.catch((error: unknown) => {
      if (error instanceof RolledBack) return error.results;
      throw error;
    });
  }

  /** A device whose login the broker did not take is none; the others of its slice are not concerned. */
  async function openLogin(row: InsertedRow): Promise<InsertedRow> {
    const { result, deviceId } = row;
    if (deviceId === null || result.credentials === null) return row;
    try {
      await logins.open(deviceId, result.credentials);
      return row;
    } catch (error) {
      if (!isAppError(error)) throw error;
      const errors = isUnavailable(error) ? NOT_STORED : [{ path: '/device_uid', message: error.message }];
      return { result: failed(result.row, result.deviceUid, errors), deviceId: null };
    }
  }

  return {
    /**
     * Creates a device for each row that is right and says of every other what is wrong with it. Rows are
     * independent: they are stored in groups, each durable before its credentials are reported. When the store
     * goes away in the middle, the rest is reported as failed, because the credentials of the former are
     * known to nobody else.
     * @param rows each shaped like a body of POST /devices, with what could not be read of it
     * @param dryRun says what would become of each, and changes nothing
     * @throws AppError `device_import_too_large`
     */
    async importRows(
      principal: Principal,
      rows: readonly ReadRow[],
      { dryRun = false }: { readonly dryRun?: boolean } = {},
    ): Promise<readonly ImportedRow[]> {
      checkRowCount(rows);
      const report: ImportedRow[] = [];
      const owners = new Map<number, boolean>();
      const taken = new Map<string, number>();
      let away = false;

      async function ownerExists({ ownerId }: NewDevice): Promise<boolean> {
        if (ownerId === null) return true;
        const exists = owners.get(ownerId) ?? (await users.exists(ownerId));
        owners.set(ownerId, exists);
        return exists;
      }

      for (let start = 0; start < rows.length; start += SLICE) {
        if (start > 0) await giveWay();
        const candidates: Candidate[] = [];
        for (const [index, value] of rows.slice(start, start + SLICE).entries()) {
          const prepared = prepare(start + index + 1, value);
          if ('errors' in prepared) report.push(prepared);
          else if (away) report.push(failed(prepared.row, prepared.device.deviceUid, NOT_STORED));
          else if (await ownerExists(prepared.device)) candidates.push(prepared);
          else report.push(failed(prepared.row, prepared.device.deviceUid, OWNER_UNKNOWN));
        }
        if (candidates.length === 0) continue;
        const now = clock.now();
        try {
          const inserted = await insertSlice(principal, candidates, { taken, at: now, dryRun });
          if (dryRun) {
            report.push(...inserted.map(({ result }) => ({ ...result, credentials: null })));
            continue;
          }
          for (const { result, deviceId } of await Promise.all(inserted.map(openLogin))) {
            report.push(result);
            if (deviceId === null || result.deviceUid === null) continue;
            const actor = { actor_id: principal.userId };
            events.emit('device.created', now, { device_id: deviceId, device_uid: result.deviceUid, ...actor });
          }
        } catch (error) {
          if (!isUnavailable(error) || report.every(({ credentials }) => credentials === null)) throw error;
          away = true;
          report.push(...candidates.map(({ row, device }) => failed(row, device.deviceUid, NOT_STORED)));
        }
      }
      return report.sort((a, b) => a.row - b.row);
    },
  };
}

const NOT_STORED = [{ path: '/', message: 'was not stored, because a part of the system is away; try again' }];
const OWNER_UNKNOWN = [{ path: '/owner_id', message: 'must be the id of a user' }];

function isUnavailable(error: unknown): boolean {
  return isAppError(error) && error.kind === 'unavailable';
}

function failed(row: number, deviceUid: string | null, errors: readonly FieldError[]): ImportedRow {
  return { row, deviceUid, credentials: null, errors };
}

function uidOf(value: unknown): string | null {
  const uid = (value as { readonly device_uid?: unknown } | null)?.device_uid;
  return typeof uid === 'string' ? uid.slice(0, 64) : null;
}

/** What is wrong with one row, from an error that concerns no other; any other is thrown on. */
function rowErrors(error: unknown, sameUidInRow?: number): readonly FieldError[] {
  if (!isAppError(error) || error.kind === 'unavailable') throw error;
  switch (error.code) {
    case 'device_uid_taken':
      return [
        {
          path: '/device_uid',
          message: sameUidInRow === undefined ? 'is taken by another device' : `is also that of row ${sameUidInRow}`,
        },
      ];
    case 'device_group_unknown':
      return [{ path: '/group_id', message: 'must be the id of a device group' }];
    case 'device_owner_unknown':
      return OWNER_UNKNOWN;
    default:
      return error.details.fields ?? [{ path: '/', message: error.message }];
  }
}

/** Of one row: what is accepted, and what was found where that is short enough to be said. */
function fieldErrors(row: unknown): readonly FieldError[] {
  const fields = fieldsOf(DeviceBody, schema.Errors(row), row).map(({ path, message, data }) => {
    const found = typeof data === 'string' || typeof data === 'number' ? `; found ${shown(String(data))}` : '';
    return { path, message: message + found };
  });
  return fields.slice(0, MAX_ERRORS_A_ROW);
}

/** Looks no further than it has to: a row of JSON can have hundreds of thousands of fields. */
function hasTooManyFields(value: unknown): boolean {
  return countFields(value, MAX_FIELDS) > MAX_FIELDS;
}

function countFields(value: unknown, limit: number): number {
  let count = 0;
  if (typeof value !== 'object' || value === null) return count;
  for (const name in value) {
    count += 1 + countFields((value as Readonly<Record<string, unknown>>)[name], limit - count);
    if (count > limit) break;
  }
  return count;
}

/** A row of our own export has also what only the server can say. */
function withoutMeasured(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => !MEASURED_COLUMNS.includes(name)));
}
