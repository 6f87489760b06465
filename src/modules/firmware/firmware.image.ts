import type { RangedFile } from '#platform/http/ranged-file.port.ts';
import type { FirmwareApi } from './firmware.api.ts';
import type { Firmware } from './firmware.ports.ts';

export const IMAGE_TYPE = 'application/octet-stream';

/** An image as a file to be sent. */
export function imageFileOf(firmware: Firmware, read: FirmwareApi['read']): RangedFile {
  const { size, sha256 } = firmware;
  return { size, etag: `"${sha256}"`, type: IMAGE_TYPE, read: (range) => read(firmware, range) };
}
