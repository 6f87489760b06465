/** What is signed, in canonical JSON: which image it is, and for which devices. */
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
