/** What is signed: which image it is, and for which devices. */
export interface Manifest {
  readonly device_type: string;
  readonly version: string;
  /** Rises with each image of a device type: a device takes none that is older than what it has. */
  readonly sequence: number;
  /** Bytes. */
  readonly size: number;
  /** Of the image, hex. */
  readonly sha256: string;
  /** RFC 3339: not to be installed after that. */
  readonly not_after?: string;
}

/**
 * The bytes that are signed: JSON in canonical form, https://www.rfc-editor.org/rfc/rfc8785. The values of a manifest are
 * texts and whole numbers, which JSON.stringify writes as that says; the keys are sorted here.
 */
export function canonicalOf(manifest: Manifest): string {
  const fields = Object.entries(manifest).filter(([, value]) => value !== undefined);
  return JSON.stringify(Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1))));
}
