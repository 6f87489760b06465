import { createHash } from 'node:crypto';

/** Of any number of records in a given order. */
export interface Checksum {
  add(record: unknown): void;
  readonly count: number;
  /** SHA-256, hex. Call once. */
  digest(): string;
}

/** Over each record as JSON with its keys sorted, so that it does not depend on how a store orders or keeps them. */
export function createChecksum(): Checksum {
  const hash = createHash('sha256');
  let count = 0;
  return {
    add(record) {
      count += 1;
      hash.update(`${canonical(record)}\n`);
    },
    get count() {
      return count;
    },
    digest: () => hash.digest('hex'),
  };
}

export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify({ base64: Buffer.from(value).toString('base64') });
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`;
}

/** What was compared, for the last lines of a move. */
export interface Comparison {
  readonly what: string;
  readonly source: string;
  readonly target: string;
}
