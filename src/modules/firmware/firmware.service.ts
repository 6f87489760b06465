import { createHash } from 'node:crypto';
import type { Principal, RequestOrigin } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import { firmwareErrors } from './firmware.errors.ts';
import type { InstallationKeys } from './firmware.keys.ts';
import type { Manifest } from './firmware.manifest.ts';
import {
  FIRMWARE_SORT_FIELDS,
  type Firmware,
  type FirmwareFilter,
  type FirmwareKey,
  type FirmwareRefusals,
  type FirmwareStore,
  type FirmwareUpload,
  type FirmwareUsage,
} from './firmware.ports.ts';
import { isSignedBy, readPublicKey } from './firmware.signatures.ts';

/** A file without an image, this long after it was begun, is what an interrupted upload has left. */
const LEFT_AFTER_MS = 24 * 3_600_000;
const SWEPT_AT_ONCE = 100;
/** Images that one process takes at a time: each is written to disk as it comes. */
const MOST_UPLOADS = 4;

export interface FirmwareServiceDeps {
  readonly store: FirmwareStore;
  readonly blobs: BlobStore;
  readonly keys: InstallationKeys;
  /** Null: nobody rolls images out. */
  readonly usage: Pick<FirmwareUsage, 'isOffered'> | null;
  readonly refusals: FirmwareRefusals;
  readonly clock: Clock;
  /** Bytes of an image. */
  readonly maxBytes: number;
  /** Whether each image has to be signed by a registered key. */
  readonly requiresSignature: boolean;
}

export type FirmwareService = ReturnType<typeof createFirmwareService>;

export function createFirmwareService(deps: FirmwareServiceDeps) {
  const { store, blobs, keys, usage, refusals, clock, maxBytes, requiresSignature } = deps;
  const nextId = createOrderedIds(clock);
  let uploads = 0;

  async function existing(id: number): Promise<Firmware> {
    const firmware = await store.findById(id);
    if (firmware === null) throw firmwareErrors.firmware_not_found();
    return firmware;
  }

  /** Refused before the body is read, where that can be told. */
  async function checkBefore({ deviceType, version, signed }: FirmwareUpload): Promise<void> {
    if ((await store.findVersion(deviceType, version)) !== null) throw firmwareErrors.firmware_exists();
    if (signed === null) {
      if (requiresSignature) {
        throw firmwareErrors.firmware_signature_invalid({
          detail: 'Each firmware has to be signed by a registered key here (FIRMWARE_REQUIRE_SIGNATURE).',
        });
      }
      return;
    }
    if ((await store.findKey(signed.keyId)) === null) throw firmwareErrors.firmware_key_unknown();
    if (signed.sequence <= (await store.lastSequence(deviceType))) throw firmwareErrors.firmware_sequence_old();
  }

  async function keep(blobId: string, body: AsyncIterable<Uint8Array>) {
    const hashes = { sha256: createHash('sha256'), sha1: createHash('sha1'), md5: createHash('md5') };
    async function* counted(): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(maxBytes);
        for (const hash of Object.values(hashes)) hash.update(chunk);
        yield chunk;
      }
    }
    const size = await blobs.write(blobId, counted());
    if (size === 0) {
      const fields = [{ path: '/', message: 'must not be empty' }];
      throw firmwareErrors.firmware_invalid({ details: { fields } });
    }
    const [sha256, sha1, md5] = [hashes.sha256, hashes.sha1, hashes.md5].map((hash) => hash.digest('hex'));
    return { size, sha256: sha256 as string, sha1: sha1 as string, md5: md5 as string };
  }

  /** Taken out of the trail's transaction: the refusal stands although nothing was stored. */
  async function refused(principal: Principal, { deviceType, version }: FirmwareUpload, code: string): Promise<void> {
    const details = { device_type: deviceType, version, reason: code };
    await store.transaction((_writer, audit) =>
      audit.record({ actor: principal, ...entry('firmware.refused', null), details }),
    );
  }

  async function upload(principal: Principal, given: FirmwareUpload, body: AsyncIterable<Uint8Array>) {
    await checkBefore(given);
    const blobId = nextId();
    try {
      const file = await keep(blobId, body);
      return await store.transaction(async (writer, audit) => {
        const { deviceType, version, notes, signed, notAfter } = given;
        if ((await writer.findVersion(deviceType, version)) !== null) throw firmwareErrors.firmware_exists();
        const last = await writer.lastSequence(deviceType);
        const sequence = signed?.sequence ?? last + 1;
        if (sequence <= last) throw firmwareErrors.firmware_sequence_old();
        const manifest = manifestOf({ deviceType, version, sequence, notAfter, ...file });
        if (signed !== null) {
          const key = await writer.findKey(signed.keyId);
          if (key === null) throw firmwareErrors.firmware_key_unknown();
          if (!isSignedBy(manifest, signed.signature, key)) throw firmwareErrors.firmware_signature_invalid();
        }
        const firmware = await writer.insert({
          ...{ deviceType, version, sequence, notes, notAfter, blobId },
          ...file,
          signature: signed?.signature ?? keys.sign(manifest),
          keyId: signed?.keyId ?? keys.publicKey().keyId,
          createdBy: principal.userId,
          createdAt: clock.now(),
        });
        const details = { device_type: deviceType, version, sequence, size: file.size, sha256: file.sha256 };
        await audit.record({ actor: principal, ...entry('firmware.uploaded', firmware.id), details });
        return firmware;
      });
    } catch (error) {
      await blobs.remove(blobId).catch(() => {});
      throw error;
    }
  }

  return {
    /**
     * Takes an image as it comes; all of it or nothing is kept.
     * @throws AppError `firmware_exists`, `firmware_sequence_old`, `firmware_key_unknown`, `firmware_signature_invalid`,
     *   `firmware_invalid`, `body_too_large`, `rate_limited`: too many are taken at once
     */
    async upload(principal: Principal, given: FirmwareUpload, body: AsyncIterable<Uint8Array>): Promise<Firmware> {
      if (uploads >= MOST_UPLOADS) throw commonErrors.rate_limited({ details: { retryAfterSeconds: 10 } });
      uploads += 1;
      try {
        return await upload(principal, given, body);
      } catch (error) {
        const code = (error as { readonly code?: string }).code ?? '';
        if (Object.hasOwn(firmwareErrors, code)) await refused(principal, given, code);
        throw error;
      } finally {
        uploads -= 1;
      }
    },

    /** @throws AppError `firmware_not_found` */
    get: existing,

    /** @throws AppError `invalid_sort` */
    async list(filter: FirmwareFilter, query: PageQuery): Promise<Page<Firmware>> {
      const sort = parseSort(query.sort, FIRMWARE_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
      const { items, total } = await store.list({ ...query, filter, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `firmware_not_found`, `firmware_in_use` */
    async remove(principal: Principal, id: number): Promise<void> {
      const blobId = await store.transaction(async (writer, audit) => {
        const found = await writer.findById(id);
        if (found === null) throw firmwareErrors.firmware_not_found();
        if (await writer.isUsed(id)) throw firmwareErrors.firmware_in_use();
        await writer.remove(id);
        const details = { device_type: found.deviceType, version: found.version };
        await audit.record({ actor: principal, ...entry('firmware.deleted', id), details });
        return found.blobId;
      });
      // What is left by a process that ends here, the sweep removes.
      await blobs.remove(blobId);
    },

    /** For a device that it was offered to. @throws AppError `firmware_not_found`, `firmware_not_offered` */
    async forDevice(deviceId: number, id: number, origin: RequestOrigin): Promise<Firmware> {
      const firmware = await existing(id);
      if ((await usage?.isOffered(deviceId, id)) === true) return firmware;
      const [action, details] = ['firmware.request_refused', { firmware_id: id }];
      refusals.devices.note({ deviceId, action, reason: 'firmware_not_offered', details, origin });
      throw firmwareErrors.firmware_not_offered();
    },

    /** @returns what the link to an image carries. @throws AppError `firmware_not_found` */
    async link(principal: Principal, id: number, seconds: number) {
      await existing(id);
      const expires = Math.floor(clock.now() / 1_000) + seconds;
      const details = { expires_at: toIso(expires * 1_000) };
      await store.transaction((_writer, audit) =>
        audit.record({ actor: principal, ...entry('firmware.linked', id), details }),
      );
      return { expires, signature: keys.seal(`firmware ${id} ${expires}`) };
    },

    /** @throws AppError `firmware_link_invalid`, `firmware_not_found` */
    async byLink(id: number, expires: number, signature: string, origin: RequestOrigin): Promise<Firmware> {
      const isValid = keys.isSealed(`firmware ${id} ${expires}`, signature) && expires * 1_000 > clock.now();
      if (isValid) return await existing(id);
      const details = { reason: 'firmware_link_invalid' };
      await refusals.anybody.record({ actor: null, origin, ...entry('firmware.link_refused', id), details });
      throw firmwareErrors.firmware_link_invalid();
    },

    read: (firmware: Firmware, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array> =>
      blobs.read(firmware.blobId, range),

    /** The installation's own comes first. */
    async listKeys(): Promise<readonly FirmwareKey[]> {
      const own = { ...keys.publicKey(), name: 'This installation', createdBy: null, createdAt: 0 };
      return [own, ...(await store.listKeys())];
    },

    /** @throws AppError `firmware_key_invalid`. One that is there stays as it is. */
    async addKey(principal: Principal, name: string, text: string): Promise<FirmwareKey> {
      const key = readPublicKey(text);
      return await store.transaction(async (writer, audit) => {
        const known = await writer.findKey(key.keyId);
        if (known !== null) return known;
        const added = { ...key, name, createdBy: principal.userId, createdAt: clock.now() };
        await writer.insertKey(added);
        await audit.record({ actor: principal, ...keyEntry('firmware_key.added', key.keyId), details: { name } });
        return added;
      });
    },

    /** Images that it has signed stay. @throws AppError `firmware_key_not_found` */
    async removeKey(principal: Principal, keyId: string): Promise<void> {
      await store.transaction(async (writer, audit) => {
        const key = await writer.findKey(keyId);
        if (key === null) throw firmwareErrors.firmware_key_not_found();
        await writer.removeKey(keyId);
        await audit.record({
          actor: principal,
          ...keyEntry('firmware_key.removed', keyId),
          details: { name: key.name },
        });
      });
    },

    /** Removes files that no image is in. @returns how many */
    async sweep(signal: AbortSignal): Promise<number> {
      let removed = 0;
      let looked: string[] = [];
      const look = async () => {
        const known = await store.knownBlobs(looked);
        for (const id of looked) if (!known.has(id)) await blobs.remove(id);
        removed += looked.filter((id) => !known.has(id)).length;
        looked = [];
      };
      async function* begun() {
        for await (const { id } of blobs.list()) yield id;
        yield* blobs.unfinished();
      }
      for await (const id of begun()) {
        if (signal.aborted) break;
        if (madeAt(id) > clock.now() - LEFT_AFTER_MS) continue;
        looked.push(id);
        if (looked.length === SWEPT_AT_ONCE) await look();
      }
      await look();
      return removed;
    },
  };
}

function manifestOf(
  firmware: Pick<Firmware, 'deviceType' | 'version' | 'sequence' | 'size' | 'sha256' | 'notAfter'>,
): Manifest {
  const { deviceType: device_type, version, sequence, size, sha256, notAfter } = firmware;
  return { device_type, version, sequence, size, sha256, ...(notAfter === null ? {} : { not_after: toIso(notAfter) }) };
}

/** A UUID of version 7 begins with the time. */
function madeAt(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}

function tooLarge(maxBytes: number) {
  return commonErrors.body_too_large({ detail: `An image may have ${maxBytes} bytes here.` });
}

function entry(action: string, id: number | null): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'firmware', resourceId: id === null ? null : String(id) };
}

function keyEntry(action: string, keyId: string): Pick<AuditEntry, 'action' | 'resourceType' | 'resourceId'> {
  return { action, resourceType: 'firmware_key', resourceId: keyId };
}
